// SPDX-License-Identifier: MIT

package queue

import "context"

// A Readable is a connection, a pipe's, that a receiver which waits for a message may read itself.
type Readable interface {
	// AllowDirectReads allows that. idle reports whether no receiver waits; it is called without locks. Nil forbids it.
	AllowDirectReads(idle func() bool)

	// ReadDirectly reads until w is woken, ctx ends or another goroutine should read, which may be at once.
	ReadDirectly(ctx context.Context, w Wakeable)

	// Interrupt makes a receiver that reads look whether it has been woken.
	Interrupt()
}

// AddReadable adds a connection that messages come from. While it is the only one, waiting receivers may read it.
func (q *Inbox) AddReadable(r Readable) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readable == nil {
		q.readable = make(map[Readable]struct{})
	}
	q.readable[r] = struct{}{}
	q.chooseDirectLocked()
}

// RemoveReadable removes a connection.
func (q *Inbox) RemoveReadable(r Readable) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.readable, r)
	q.chooseDirectLocked()
	r.AllowDirectReads(nil)
}

// chooseDirectLocked allows direct reads of the only connection, and forbids them where there are several.
func (q *Inbox) chooseDirectLocked() {
	var only *Readable
	if len(q.readable) == 1 && q.err == nil {
		for r := range q.readable {
			r.AllowDirectReads(q.idle)
			only = &r
		}
	}
	if old := q.direct.Swap(only); old != nil && only == nil {
		(*old).AllowDirectReads(nil)
	}
}

// idle reports whether no receiver waits.
func (q *Inbox) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiters.Empty()
}

// interruptLocked interrupts a direct read: the receiver may have been woken.
func (q *Inbox) interruptLocked() {
	if r := q.direct.Load(); r != nil {
		(*r).Interrupt()
	}
}
