// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// A sender is the queue of senders that wait for room, and the lock of the sending side. By itself it is the sending side of
// a pattern whose messages name their pipe.
type sender struct {
	socket  *engine.Socket // nil in tests
	mu      lock.Mutex[lock.Sender]
	err     error // set when nothing may be sent any more
	waiters queue.Waiters
	stall   stall // of callers that wait
}

// do tries to send until that succeeds, fails, or ctx ends. try is called under the lock. With wait false it is tried once. If
// ctx has ended already, nothing is tried. to is the pipe that the message is for, or nil.
//
// What try works on came from the application. Should it panic, the lock is free before anybody can recover.
func (s *sender) do(ctx context.Context, wait bool, to *engine.Pipe, try func() (sent bool, w engine.PendingWrite, err error)) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	for again := false; ; again = true {
		if err := s.err; err != nil { // no defer: in a loop it would cost every message
			s.mu.Unlock()
			return err
		}
		sent, pending, err := s.attemptLocked(try)
		if sent || err != nil || !wait {
			s.mu.Unlock()
			pending.Write()
			if !sent && err == nil {
				err = engine.ErrWouldBlock
			}
			return err
		}
		began := s.stall.begin(again)
		err = s.waiters.Wait(ctx, &s.mu)
		s.stall.end(began)
		if err != nil {
			s.mu.Unlock()
			return s.late(err, to)
		}
	}
}

// attemptLocked calls try, and releases the lock if that panics.
func (s *sender) attemptLocked(try func() (sent bool, w engine.PendingWrite, err error)) (sent bool, w engine.PendingWrite, err error) {
	returned := false
	defer func() {
		if !returned {
			s.mu.Unlock()
		}
	}()
	sent, w, err = try()
	returned = true
	return sent, w, err
}

// sendTo queues a message to one pipe and waits, if it may, while that has no room.
func (s *sender) sendTo(ctx context.Context, wait bool, p *engine.Pipe, header, body []byte, m *msg.Message) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	if p == nil {
		return engine.ErrNoPeer
	}
	if err := engine.NoneFits(msg.ShapeOf(header, body, m), p); err != nil {
		return err
	}
	return s.do(ctx, wait, p, func() (queued bool, w engine.PendingWrite, err error) {
		if queued, w = p.TryQueue(false, header, body, m); !queued && p.Over() {
			err = engine.ErrPipeClosed
		}
		return queued, w, err
	})
}

// late says why a message could not be queued until the deadline.
func (s *sender) late(err error, to *engine.Pipe) error {
	if s.socket == nil {
		return err
	}
	full := s.socket.FullQueues
	if to != nil {
		full = func([]*engine.Pipe, int) string { return engine.FullQueueOf(to) }
	}
	return s.socket.Late(err, full)
}

// blocked returns how long calls have been blocked, and how many were.
func (s *sender) blocked() (time.Duration, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stall.total(), s.stall.calls
}

func (s *sender) bind(socket *engine.Socket) { s.socket = socket }

// wake lets all blocked senders try again.
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

// refusal is why every attempt fails, or nil.
func (s *sender) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *sender) add(*engine.Pipe) error { return nil }

func (s *sender) remove(*engine.Pipe, []msg.Message) { s.wake() }

func (s *sender) writable(*engine.Pipe) { s.wake() }

func (s *sender) reroutes() bool { return false }

func (s *sender) pending() int { return 0 }

func (s *sender) drop() int { return 0 }
