// SPDX-License-Identifier: MIT

package worker

import (
	"runtime"
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

// send sends until the time has passed, at least one message, and then the end.
func send(to Sender, s Settings) (Result, error) {
	before, start, sent, n := allocations(), time.Now(), int64(0), chunk(s.Size)
	for end := start.Add(seconds(s.Secs)); sent == 0 || time.Now().Before(end); sent += int64(n) {
		if err := to.Send(n); err != nil {
			return Result{}, err
		}
	}
	if err := to.End(); err != nil {
		return Result{}, err
	}
	return moved(sent, s, time.Since(start), before), nil
}

// receive receives a flow: its time is from the first message to the end marker.
func receive(from Receiver, s Settings) (Result, error) {
	if err := from.First(); err != nil {
		return Result{}, err
	}
	before, start := allocations(), time.Now()
	n, err := from.Rest()
	return moved(int64(n)+1, s, time.Since(start), before), err
}

func moved(messages int64, s Settings, took time.Duration, allocationsBefore uint64) Result {
	allocs := float64(allocations()-allocationsBefore) / float64(max(messages, 1))
	return Result{
		Messages: messages, Bytes: messages * int64(s.Size), Seconds: took.Seconds(), Allocs: &allocs,
	}
}

func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func flowReceive(p process, peer Peer, s Settings) (Result, error) {
	if peer.Listen == nil {
		return Result{}, ErrNotApplicable
	}
	from, err := peer.Listen(s)
	if err != nil {
		return Result{}, err
	}
	defer from.Close()
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	return receive(from, s)
}

func flowSend(_ process, peer Peer, s Settings) (Result, error) {
	if peer.Dial == nil {
		return Result{}, ErrNotApplicable
	}
	to, err := peer.Dial(s)
	if err != nil {
		return Result{}, err
	}
	defer to.Close()
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
