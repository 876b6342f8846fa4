// SPDX-License-Identifier: MIT

package peers

import (
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
)

// chanRoom is how many messages a channel holds.
const chanRoom = 4096

// A chanEnd is either end of a flow of pointers to bodies over a channel: Go's own way within a process.
type chanEnd struct {
	flow chan *[]byte
	body []byte
}

func chanFlow(s worker.Settings) (worker.Sender, worker.Receiver, error) {
	if s.Mode != "own" && s.Mode != "plain" {
		return nil, nil, worker.ErrNotApplicable
	}
	c := &chanEnd{make(chan *[]byte, chanRoom), worker.Body(s.Size)}
	return c, c, nil
}

func (c *chanEnd) Send(n int) error {
	for range n {
		c.flow <- &c.body
	}
	return nil
}

func (c *chanEnd) End() error {
	close(c.flow)
	return nil
}

func (c *chanEnd) First() error {
	<-c.flow
	return nil
}

func (c *chanEnd) Until(end time.Time) (int, bool, error) {
	return worker.ReceiveUntil(end, func() (n int, ended bool, err error) {
		_, open := <-c.flow
		return 1, !open, nil
	})
}

func (c *chanEnd) Rest() (n int, err error) {
	for range c.flow {
		n++
	}
	return n, nil
}

func (c *chanEnd) Close() error { return nil }

// A chanAsker asks a goroutine over a pair of channels.
type chanAsker struct {
	requests, replies chan *[]byte
	body              []byte
}

func chanAsk(s worker.Settings) (worker.Asker, error) {
	a := &chanAsker{make(chan *[]byte), make(chan *[]byte), worker.Body(s.Size)}
	go func() {
		defer close(a.replies)
		for m := range a.requests {
			a.replies <- m
		}
	}()
	return a, nil
}

func (a *chanAsker) Ask() error {
	a.requests <- &a.body
	<-a.replies
	return nil
}

func (a *chanAsker) Close() error {
	close(a.requests)
	<-a.replies
	return nil
}
