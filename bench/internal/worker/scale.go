// SPDX-License-Identifier: MIT

package worker

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Held is the resources of a process at a moment.
type Held struct {
	RSSKiB     int `json:"rss_kib"`
	Goroutines int `json:"goroutines,omitempty"`
	Threads    int `json:"threads"`
}

// held reads it from Linux's /proc; other systems have no worker that is asked.
func held() (Held, error) {
	h := Held{Goroutines: runtime.NumGoroutine()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return h, err
	}
	for line := range strings.Lines(string(status)) {
		// Lines of other names do not scan, which is meant.
		_, _ = fmt.Sscanf(line, "VmRSS: %d", &h.RSSKiB)
		_, _ = fmt.Sscanf(line, "Threads: %d", &h.Threads)
	}
	return h, nil
}

// idle listens, and answers each line of input with what the process holds.
func idle(p process, peer Peer, s Settings) (Result, error) {
	server, err := openIdle(peer, s)
	if err != nil {
		return Result{}, err
	}
	defer server.Close()
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	return Result{}, p.untilInputEnds(func(string) error {
		debug.FreeOSMemory() // what the accepting left behind is not the connections'
		h, err := held()
		if err != nil {
			return err
		}
		return json.NewEncoder(p.out).Encode(h)
	})
}

func openIdle(peer Peer, s Settings) (io.Closer, error) {
	switch {
	case peer.Idle != nil:
		return peer.Idle(s)
	case peer.Listen != nil:
		return peer.Listen(s)
	default:
		return nil, ErrNotApplicable
	}
}

// flood receives a flow at one address and answers requests at another: the requester measures the latency during the flow.
func flood(p process, peer Peer, s Settings) (Result, error) {
	if peer.Listen == nil || peer.Serve == nil {
		return Result{}, ErrNotApplicable
	}
	from, err := peer.Listen(s)
	if err != nil {
		return Result{}, err
	}
	defer from.Close()
	other := s
	other.URL = s.Other
	server, err := peer.Serve(other)
	if err != nil {
		return Result{}, err
	}
	defer server.Close()
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	if err := from.First(); err != nil {
		return Result{}, err
	}
	if err := p.flowing(); err != nil {
		return Result{}, err
	}
	_, err = from.Rest()
	return Result{}, err
}

// pipesSend sends one flow over many connections in turn, each with an end of its own.
func pipesSend(_ process, peer Peer, s Settings) (Result, error) {
	if peer.Dial == nil {
		return Result{}, ErrNotApplicable
	}
	all := &turns{}
	defer func() { _ = all.Close() }()
	for left := s.Pipes; left > 0; left-- {
		one := s
		one.Pipes = left
		to, err := peer.Dial(one)
		if err != nil {
			return Result{}, err
		}
		all.senders = append(all.senders, to)
	}
	return send(all, s)
}

// turns sends over one of many senders after the other.
type turns struct {
	senders []Sender
	next    int
}

func (t *turns) Send(n int) error {
	to := t.senders[t.next]
	t.next = (t.next + 1) % len(t.senders)
	return to.Send(n)
}

func (t *turns) End() error {
	for _, to := range t.senders {
		if err := to.End(); err != nil {
			return err
		}
	}
	return nil
}

func (t *turns) Close() error {
	for _, to := range t.senders {
		_ = to.Close()
	}
	return nil
}

// subscriptions measures a flow to a subscriber with very many subscriptions, and the memory of each.
func subscriptions(_ process, peer Peer, s Settings) (Result, error) {
	if peer.Subscriptions == nil {
		return Result{}, ErrNotApplicable
	}
	before := heap()
	to, from, err := peer.Subscriptions(s)
	if err != nil {
		return Result{}, err
	}
	perItem := (float64(heap()) - float64(before)) / float64(max(s.Subs, 1))
	r, err := sendAndReceive(to, from, s)
	r.PerItem = max(perItem, 0)
	return r, err
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Closers closes all of them, the last first.
type Closers []io.Closer

// Close implements io.Closer.
func (c Closers) Close() error {
	for i := len(c) - 1; i >= 0; i-- {
		_ = c[i].Close()
	}
	return nil
}
