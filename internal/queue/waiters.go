// SPDX-License-Identifier: MIT

// Package queue has the places where callers and messages wait: parked callers, and the inbox from which a
// socket receives fairly over its pipes.
package queue

import (
	"context"
	"fmt"
	"sync"

	"github.com/sprymq/spry/internal/lock"
)

// Waiters is a first-come, first-served line of parked callers. Its methods are called under the owner's
// lock, Park without it. Waiters are recycled within one line, so that parking does not allocate; there is no
// global pool, because its channels would tie tests under virtual time together.
type Waiters struct {
	first, last *Waiter
	free        *Waiter
}

// A Waiter is one parked caller.
type Waiter struct {
	wake       chan struct{}
	prev, next *Waiter
	queued     bool
	alone      bool // the line was empty when it came
}

// A Wakeable is a caller that waits, or reads a connection meanwhile, until it is woken.
type Wakeable interface{ Woken() bool }

// Woken reports whether the waiter has been woken, so that Park would not wait.
func (w *Waiter) Woken() bool { return len(w.wake) > 0 }

// Add puts a new waiter at the end of the line.
func (ws *Waiters) Add() *Waiter {
	w := ws.free
	if w == nil {
		w = &Waiter{wake: make(chan struct{}, 1)}
	} else {
		ws.free, w.next = w.next, nil
	}
	w.queued, w.prev, w.alone = true, ws.last, ws.first == nil
	if ws.last == nil {
		ws.first = w
	} else {
		ws.last.next = w
	}
	ws.last = w
	return w
}

// Empty reports whether there is no waiter.
func (ws *Waiters) Empty() bool { return ws.first == nil }

// Wake wakes the first n waiters.
func (ws *Waiters) Wake(n int) {
	for ; n > 0 && ws.first != nil; n-- {
		w := ws.first
		ws.unlink(w)
		w.wake <- struct{}{}
	}
}

// WakeAll wakes all waiters.
func (ws *Waiters) WakeAll() {
	for ws.first != nil {
		ws.Wake(1)
	}
}

// Done recycles a waiter whose Park has returned. If Park returned an error although the waiter had been woken, the next
// waiter is woken instead, because the wake may announce a message or room.
func (ws *Waiters) Done(w *Waiter, parkErr error) {
	switch {
	case w.queued:
		ws.unlink(w)
	case parkErr != nil:
		<-w.wake
		ws.Wake(1)
	}
	w.next, ws.free = ws.free, w
}

func (ws *Waiters) unlink(w *Waiter) {
	if w.prev == nil {
		ws.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		ws.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
}

// Wait waits in line until it is woken or ctx, which may be nil, ends, and returns ctx's error in the latter case. It is called
// under the lock of the line, l, which is free meanwhile.
func (ws *Waiters) Wait(ctx context.Context, l sync.Locker) error {
	w := ws.Add()
	l.Unlock()
	err := w.Park(ctx)
	l.Lock()
	ws.Done(w, err)
	return err
}

// Park waits until the waiter is woken or ctx, which may be nil, ends, and returns ctx's error in the latter case. A context
// that panics counts as ended: its caller has to take the waiter back, or others would lose its wake.
func (w *Waiter) Park(ctx context.Context) (err error) {
	lock.AssertNone()
	if ctx == nil {
		<-w.wake
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the context panicked: %v", r)
		}
	}()
	done := ctx.Done()
	if done == nil || w.Woken() {
		<-w.wake
		return nil
	}
	select {
	case <-w.wake:
		return nil
	case <-done:
		return ctx.Err()
	}
}
