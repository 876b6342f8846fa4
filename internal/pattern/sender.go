// SPDX-License-Identifier: MIT

// Package pattern has what makes a socket a Push, a Rep or a Bus: routing, filtering and the state of requests
// and surveys. A pattern sees pipes and messages, never bytes on a wire or connections.
//
// Each file is one pattern, or one of the words that patterns are made of: a sender that waits for room, a
// balancer over pipes, a set of topics, a table of requests.
package pattern

import (
	"context"
	"sync"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/queue"
)

// A sender is the line in which senders wait for room, and the lock of what they send by.
type sender struct {
	mu      sync.Mutex
	err     error // set when nothing may be sent any more
	waiters queue.Waiters
}

// do tries to send until that succeeds, fails, or ctx ends. try is called under the lock. It returns the pipe to
// write by, if it got the writer's role. With wait false it is tried once.
//
// What try works on came from the application. Should it panic, the lock is free before anybody can recover.
func (s *sender) do(ctx context.Context, wait bool, try func() (sent bool, write *engine.Pipe, err error)) error {
	s.mu.Lock()
	for {
		if err := s.err; err != nil { // no defer: in a loop it would cost every message
			s.mu.Unlock()
			return err
		}
		sent, write, err := s.attemptLocked(try)
		if sent || err != nil || !wait {
			s.mu.Unlock()
			if write != nil {
				write.Write()
			}
			if !sent && err == nil {
				err = engine.ErrWouldBlock
			}
			return err
		}
		w := s.waiters.Add()
		s.mu.Unlock()
		err = w.Park(ctx)
		s.mu.Lock()
		s.waiters.Done(w, err)
		if err != nil {
			s.mu.Unlock()
			return err
		}
	}
}

// attemptLocked calls try, and releases the lock if that panics.
func (s *sender) attemptLocked(try func() (sent bool, write *engine.Pipe, err error)) (sent bool, write *engine.Pipe, err error) {
	returned := false
	defer func() {
		if !returned {
			s.mu.Unlock()
		}
	}()
	sent, write, err = try()
	returned = true
	return sent, write, err
}

// wake lets everybody try again.
func (s *sender) wake() {
	s.mu.Lock()
	s.waiters.WakeAll()
	s.mu.Unlock()
}

// refuse makes every present and future attempt fail.
func (s *sender) refuse(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.waiters.WakeAll()
	s.mu.Unlock()
}
