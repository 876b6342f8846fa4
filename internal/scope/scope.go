// SPDX-License-Identifier: MIT

// Package scope is Spry's structured concurrency: every goroutine and every timer belongs to a scope, scopes
// form a tree, and closing a scope cancels and joins everything below it. The module starts goroutines and
// timers nowhere else.
package scope

import (
	"context"
	"errors"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// ErrClosed is returned for work that comes after the scope began to close.
var ErrClosed = errors.New("scope is closed")

// A Scope owns goroutines, timers and child scopes. All methods are safe for concurrent use.
type Scope struct {
	parent *Scope

	mu       lock.Mutex[lock.Scope]
	closing  bool
	cause    error           // why it is
	ctx      context.Context // made on demand: the scopes of most pipes have none
	cancel   context.CancelCauseFunc
	members  int           // running goroutines, including those of fired timers
	empty    chan struct{} // made by a joiner; closed when members is 0
	children map[*Scope]struct{}
}

// New returns a root scope.
func New() *Scope { return &Scope{} }

// Child returns a scope below s. A child of a closing scope is born closed.
func (s *Scope) Child() *Scope {
	c := &Scope{parent: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		c.closing, c.cause = true, ErrClosed
		return c
	}
	if s.children == nil {
		s.children = make(map[*Scope]struct{})
	}
	s.children[c] = struct{}{}
	return c
}

// Context ends when the scope begins to close; its cause is the first Cancel's.
func (s *Scope) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancelCause(context.Background())
		if s.closing {
			s.cancel(s.cause)
		}
	}
	return s.ctx
}

// Done is closed when the scope begins to close.
func (s *Scope) Done() <-chan struct{} { return s.Context().Done() }

// Go runs f in a goroutine of the scope. It returns ErrClosed, and does not run f, once closing has begun.
func (s *Scope) Go(f func()) error {
	if !s.enter() {
		return ErrClosed
	}
	go func() {
		defer s.leave()
		f()
	}()
	return nil
}

// A Task is a function that a scope runs again and again, each time in a goroutine of its own, without
// allocating.
type Task struct {
	scope *Scope
	run   func()
}

// NewTask prepares f.
func (s *Scope) NewTask(f func()) *Task {
	return &Task{scope: s, run: func() {
		defer s.leave()
		f()
	}}
}

// Start runs the task in a goroutine, as Go does.
func (t *Task) Start() error {
	if !t.scope.enter() {
		return ErrClosed
	}
	go t.run()
	return nil
}

// Callback runs user code in a goroutine of the scope without being joined for its duration, so that the
// callback may itself close the scope. It reports whether the scope is still open afterwards; if not, the
// caller must return at once and touch nothing.
func (s *Scope) Callback(f func()) (open bool) {
	lock.AssertNone()
	s.leave()
	defer func() {
		s.mu.Lock()
		s.members++
		open = !s.closing
		s.mu.Unlock()
	}()
	f()
	return
}

// Sleep waits for d. It reports false if the scope begins to close before.
func (s *Scope) Sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.Done():
		return false
	}
}

// AfterFunc runs f in a goroutine of the scope when d has passed, unless the timer is stopped or the scope
// closed before.
func (s *Scope) AfterFunc(d time.Duration, f func()) *Timer {
	t := &Timer{}
	t.t = time.AfterFunc(d, func() {
		if s.enter() {
			defer s.leave()
			f()
		}
	})
	return t
}

// A Timer is a pending AfterFunc.
type Timer struct{ t *time.Timer }

// Stop prevents the timer from firing; it reports whether it did.
func (t *Timer) Stop() bool { return t.t.Stop() }

// Reset arms the timer again.
func (t *Timer) Reset(d time.Duration) { t.t.Reset(d) }

// Cancel begins to close the scope and everything below it, and does not wait. The first cause stands.
func (s *Scope) Cancel(cause error) {
	s.mu.Lock()
	if !s.closing {
		s.closing, s.cause = true, cause
	}
	children := s.childrenLocked()
	if s.cancel != nil {
		s.cancel(cause)
	}
	s.mu.Unlock()
	for _, c := range children {
		c.Cancel(cause)
	}
	s.forget()
}

// Close cancels the scope and joins everything below it. It must not be called by a goroutine of the scope,
// other than from within Callback.
func (s *Scope) Close(cause error) {
	s.Cancel(cause)
	s.Join()
}

// Join waits until nothing is at work in the scope or below it. It does not cancel anything. A canceled scope
// has left its parent when Join returns: Join does not rely on the last goroutine, which may still be about to
// remove the scope.
func (s *Scope) Join() {
	lock.AssertNone()
	defer s.forget()
	for {
		s.mu.Lock()
		children := s.childrenLocked()
		s.mu.Unlock()
		for _, c := range children {
			c.Join()
		}
		s.mu.Lock()
		if s.members == 0 {
			s.mu.Unlock()
			return
		}
		if s.empty == nil {
			s.empty = make(chan struct{})
		}
		empty := s.empty
		s.mu.Unlock()
		<-empty
	}
}

// Running is the number of goroutines of the scope and of those below it.
func (s *Scope) Running() int {
	s.mu.Lock()
	n, children := s.members, s.childrenLocked()
	s.mu.Unlock()
	for _, c := range children {
		n += c.Running()
	}
	return n
}

// Children is the number of child scopes that have not wholly ended.
func (s *Scope) Children() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.children)
}

func (s *Scope) childrenLocked() []*Scope {
	children := make([]*Scope, 0, len(s.children))
	for c := range s.children {
		children = append(children, c)
	}
	return children
}

func (s *Scope) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.members++
	return true
}

func (s *Scope) leave() {
	s.mu.Lock()
	s.members--
	ended := s.closing && s.members == 0
	if s.members == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
	s.mu.Unlock()
	if ended {
		s.forget()
	}
}

// forget takes a scope that has wholly ended out of its parent, so that a long-lived socket does not collect
// the scopes of its past pipes.
func (s *Scope) forget() {
	p := s.parent
	if p == nil {
		return
	}
	s.mu.Lock()
	ended := s.closing && s.members == 0 && len(s.children) == 0
	s.mu.Unlock()
	if !ended {
		return
	}
	p.mu.Lock()
	delete(p.children, s)
	last := p.closing && len(p.children) == 0
	p.mu.Unlock()
	if last {
		p.forget()
	}
}
