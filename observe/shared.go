// SPDX-License-Identifier: MIT

package observe

import (
	"context"

	"github.com/sprymq/spry/internal/lock"
)

// shared takes reports, one at a time. Callers that ask while one is taken wait for the next one, which is for all of them: so its
// figures are no older than their calls. One of them takes it.
type shared struct {
	take func() Report

	mu      lock.Mutex[lock.Observe]
	running bool
	next    *pending // nil if no caller waits
}

// A pending report is one that callers wait for.
type pending struct {
	turn   chan struct{} // the caller that receives takes it
	done   chan struct{}
	report *Report
}

// get returns a report that was begun after the call.
func (s *shared) get(ctx context.Context) (*Report, error) {
	p := s.join()
	select {
	case <-p.done:
	case <-p.turn:
		s.run(p)
	case <-ctx.Done():
		return nil, ctx.Err() // another caller finds the turn
	}
	return p.report, nil
}

// join returns the next report, whose turn it is at once if no other is taken.
func (s *shared) join() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &pending{turn: make(chan struct{}, 1), done: make(chan struct{})}
	}
	if !s.running {
		s.running = true
		s.next.turn <- struct{}{}
	}
	return s.next
}

func (s *shared) run(p *pending) {
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	report := s.take()
	s.mu.Lock()
	defer s.mu.Unlock()
	p.report = &report
	close(p.done)
	if s.running = s.next != nil; s.running {
		s.next.turn <- struct{}{}
	}
}
