// SPDX-License-Identifier: MIT

package worker

import (
	"errors"
	"time"
)

// chunk is how many messages are sent between two looks at the clock: small messages are cheaper than a look.
func chunk(size int) int {
	switch {
	case size < 4<<10:
		return 64
	case size < 256<<10:
		return 8
	default:
		return 1
	}
}

// send warms up, sends until the time has passed, at least one message, and then the end.
func send(to Sender, s Settings) (Result, error) {
	warmed, err := sendFor(to, s.Warm, s.Size)
	if err != nil {
		return Result{}, err
	}
	before, start := used(), time.Now()
	sent, err := sendFor(to, s.Secs, s.Size)
	if err != nil {
		return Result{}, err
	}
	if err := to.End(); err != nil {
		return Result{}, err
	}
	r := moved(sent, s, time.Since(start), before)
	r.Total += warmed
	return r, nil
}

// sendFor sends for some seconds, at least once.
func sendFor(to Sender, secs float64, size int) (sent int64, err error) {
	n := chunk(size)
	for end := time.Now().Add(seconds(secs)); sent == 0 || time.Now().Before(end); sent += int64(n) {
		if err := to.Send(n); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// errEnded is the failure of a flow that is too short for its warm-up.
var errEnded = errors.New("the flow ended before its warm-up: send for longer")

// receive receives a flow: its time is from the end of the warm-up, which begins with the first message, to the end marker.
func receive(from Receiver, s Settings) (Result, error) {
	if err := from.First(); err != nil {
		return Result{}, err
	}
	warmed, err := warmUp(from, s)
	if err != nil {
		return Result{}, err
	}
	before, start := used(), time.Now()
	n, err := from.Rest()
	r := moved(int64(n), s, time.Since(start), before)
	r.Total += int64(warmed)
	return r, err
}

// warmUp receives what is not counted, the first message included.
func warmUp(from Receiver, s Settings) (int, error) {
	if s.Warm == 0 {
		return 1, nil
	}
	n, ended, err := from.Until(time.Now().Add(seconds(s.Warm)))
	if err == nil && ended {
		err = errEnded
	}
	return n + 1, err
}

func moved(messages int64, s Settings, took time.Duration, before usage) Result {
	return Result{
		Messages: messages, Total: messages, Bytes: messages * int64(s.Size), Seconds: took.Seconds(),
		Usage: used().since(before),
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func flowReceive(p process, peer Peer, s Settings) (Result, error) {
	return receiveBy(peer.Listen, s, p.ready)
}

func flowSend(_ process, peer Peer, s Settings) (Result, error) { return sendBy(peer.Dial, s, nil) }

// In a flow down, the sender listens.
func downSend(p process, peer Peer, s Settings) (Result, error) {
	return sendBy(peer.Offer, s, p.ready)
}

func downReceive(_ process, peer Peer, s Settings) (Result, error) {
	return receiveBy(peer.Fetch, s, nil)
}

func receiveBy(open func(Settings) (Receiver, error), s Settings, ready func() error) (Result, error) {
	if open == nil {
		return Result{}, ErrNotApplicable
	}
	from, err := open(s)
	if err != nil {
		return Result{}, err
	}
	defer from.Close()
	if ready != nil {
		if err := ready(); err != nil {
			return Result{}, err
		}
	}
	return receive(from, s)
}

func sendBy(open func(Settings) (Sender, error), s Settings, ready func() error) (Result, error) {
	if open == nil {
		return Result{}, ErrNotApplicable
	}
	to, err := open(s)
	if err != nil {
		return Result{}, err
	}
	defer to.Close()
	if ready != nil {
		if err := ready(); err != nil {
			return Result{}, err
		}
	}
	return send(to, s)
}

func flowInproc(_ process, peer Peer, s Settings) (Result, error) {
	if peer.InprocFlow == nil {
		return Result{}, ErrNotApplicable
	}
	to, from, err := peer.InprocFlow(s)
	if err != nil {
		return Result{}, err
	}
	return sendAndReceive(to, from, s)
}

// sendAndReceive does both in this process and returns the receiver's result.
func sendAndReceive(to Sender, from Receiver, s Settings) (Result, error) {
	defer from.Close()
	defer to.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := send(to, s)
		sent <- err
	}()
	received, err := receive(from, s)
	if err != nil {
		return received, err // the sender may be blocked without a receiver: the process ends
	}
	return received, <-sent
}
