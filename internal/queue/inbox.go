// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"errors"
	"math"
	"sync/atomic"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

// Limits bound the messages of one source in an inbox. Both apply; a single message that costs more than Bytes may enter an
// empty queue.
type Limits struct {
	Messages int
	Bytes    int64
}

// A Policy says what happens to a message that comes to a full source.
type Policy uint8

const (
	Wait       Policy = iota // it is not taken: the source's reader stops until there is room
	DropOldest               // the source's oldest message makes room
	DropNewest               // the message itself is dropped
)

// An Inbox holds a socket's received messages. Each source (a pipe) has a bounded queue in it. The receiver takes turns from
// the sources that have messages, first come, first served. A turn has at most Turn messages and a turnShare of the queue's
// bytes. If all sources have messages, no source is ever more than one turn ahead.
//
// A turn is taken under the lock, once, and its messages are taken one by one without it.
type Inbox struct {
	limits Limits
	policy Policy
	turn   atomic.Pointer[turn]     // which the receivers are at; never nil
	direct atomic.Pointer[Readable] // which a waiting receiver may read itself; nil = none

	mu       lock.Mutex[lock.Inbox]
	turns    turns
	ready    fifo[*Source]        // sources with messages, perhaps including held ones
	held     map[*Source]struct{} // see Hold; nil until there was one
	waiters  Waiters
	readable map[Readable]struct{} // the connections that messages come from
	first    func() *msg.Message   // asked before the sources; nil = none
	taken    func()                // called when the last message was taken; messages are then taken one by one; nil = not draining
	err      error                 // set once by Close: nothing comes any more
	explain  func(err error) error // what becomes of the error of a context that ended while a receiver waited; nil = nothing
}

// NewInbox returns an empty inbox.
func NewInbox(l Limits, p Policy) *Inbox {
	q := &Inbox{limits: l, policy: p}
	q.turn.Store(&noTurn)
	return q
}

// noTurn is the turn of an inbox that is at none. Nothing is ever taken from it, so that all can share it.
var noTurn turn

// NewSource adds a source. resume may be nil where the policy never refuses.
func (q *Inbox) NewSource(resume func()) *Source { return &Source{inbox: q, resume: resume} }

// First sets a function that is asked for a message before the sources, under the inbox's lock. Look announces that it may
// have one. It must be set before the first Put, and its messages are in no source's counters.
func (q *Inbox) First(first func() *msg.Message) { q.first = first }

// Explain has explain say why no message came before a receiver's context ended. It is called before the inbox is used.
func (q *Inbox) Explain(explain func(err error) error) { q.explain = explain }

// Look wakes blocked receivers, to look again.
func (q *Inbox) Look() {
	q.mu.Lock()
	q.waiters.WakeAll()
	q.mu.Unlock()
}

// takeTurnLocked begins the next source's turn and takes its first message. It returns a function to call when the
// lock is released, if that source waits for room. A held source leaves the ready ones until Unhold.
func (q *Inbox) takeTurnLocked() (m *msg.Message, resume func()) {
	var s *Source
	for s == nil && !q.ready.empty() {
		if s = q.ready.pop(); s.held || s.messages == 0 { // it may have been shed
			s.inReady = false
			s = nil
		}
	}
	if s == nil {
		q.retireLocked(q.turn.Swap(&noTurn))
		return nil, nil
	}
	if s.messages == 1 || q.taken != nil { // no turn: its memory would matter if messages arrive one by one
		run := s.frontLocked(1, math.MaxInt64, true)
		s.changeLocked(-1, -run.bytes)
		s.delivered++
		m = &run.msgs[0]
	} else {
		m = q.nextTurnLocked(s)
	}
	if s.messages > 0 {
		q.ready.push(s)
	} else {
		s.inReady = false
	}
	if s.refused && s.messages <= q.limits.Messages/2 && s.bytes <= q.limits.Bytes/2 {
		s.refused, resume = false, s.resume
	}
	return m, resume
}

// turnShare is which part of a source's limit of bytes one turn may have: what receivers have begun with does not count
// there any more.
const turnShare = 8

// nextTurnLocked makes the next turn one of s, and takes its first message.
func (q *Inbox) nextTurnLocked(s *Source) (m *msg.Message) {
	t := q.turns.next(s)
	for room := q.limits.Bytes / turnShare; t.n < Turn && !s.runs.empty(); {
		if t.n > 0 && t.n+len(s.runs.front().msgs) > Turn && q.ready.empty() {
			break // a lone source's turn ends with a run: else those behind it would be parts of two runs each
		}
		run := s.frontLocked(Turn-t.n, room-t.bytes, t.n == 0)
		if len(run.msgs) == 0 {
			break
		}
		q.turns.add(t, run)
	}
	s.begun += t.bytes
	s.changeLocked(-t.n, -t.bytes)
	m = t.take() // before others can
	q.retireLocked(q.turn.Swap(t))
	return m
}

// retireLocked counts a turn whose messages were all taken.
func (q *Inbox) retireLocked(t *turn) {
	if s := t.source; s != nil {
		s.delivered += uint64(t.n)
		s.beginLocked(-t.bytes)
	}
}

// ErrWouldBlock is returned where a call would have to block.
var ErrWouldBlock = errors.New("the call would block")

// TryRecv returns the next message, or fails with ErrWouldBlock if none is there, or with the error given to Close.
func (q *Inbox) TryRecv() (*msg.Message, error) {
	if m := q.turn.Load().take(); m != nil {
		return m, nil
	}
	m, err, resume := q.tryRecv(nil)
	if resume != nil {
		resume()
	}
	if m == nil && err == nil {
		err = ErrWouldBlock
	}
	return m, err
}

// Recv waits for the next message. If ctx has ended already, it takes none.
func (q *Inbox) Recv(ctx context.Context) (*msg.Message, error) {
	if err := scope.Ended(ctx); err != nil {
		return nil, err
	}
	if m := q.turn.Load().take(); m != nil {
		return m, nil
	}
	ctx = scope.OrBackground(ctx)
	var w *Waiter
	for {
		m, err, resume := q.tryRecv(&w)
		if resume != nil {
			resume()
		}
		if m != nil || err != nil {
			return m, err
		}
		if r := q.direct.Load(); r != nil && w.alone {
			(*r).ReadDirectly(ctx, w)
		}
		if err := w.Park(ctx); err != nil {
			q.mu.Lock()
			q.waiters.Done(w, err)
			q.mu.Unlock()
			if q.explain != nil {
				err = q.explain(err)
			}
			return nil, err
		}
	}
}

// RecvBatch waits for at least one message and fills dst with all that are queued.
func (q *Inbox) RecvBatch(ctx context.Context, dst []*msg.Message) (n int, err error) {
	if len(dst) == 0 {
		return 0, nil
	}
	if dst[0], err = q.Recv(ctx); err != nil {
		return 0, err
	}
	for n = 1; n < len(dst); {
		if k := q.turn.Load().takeBatch(dst[n:]); k > 0 {
			n += k
			continue
		}
		m, _ := q.TryRecv() // of the next turn; the next call returns an error
		if m == nil {
			break
		}
		dst[n] = m
		n++
	}
	return n, nil
}

// tryRecv takes a message. If none is there and wait is not nil, it leaves a waiter in line there, which it takes back the
// next time.
func (q *Inbox) tryRecv(wait **Waiter) (m *msg.Message, err error, resume func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait != nil && *wait != nil {
		q.waiters.Done(*wait, nil)
	}
	if m = q.turn.Load().take(); m != nil { // another receiver has taken the next turn
		return m, nil, nil
	}
	if q.first != nil && q.err == nil {
		if m = q.first(); m != nil {
			return m, nil, nil
		}
	}
	if m, resume = q.takeTurnLocked(); m != nil {
		if q.taken != nil {
			resume = q.drainedLocked(resume)
		}
		return m, nil, resume
	}
	if q.err == nil && wait != nil {
		*wait = q.waiters.Add()
	}
	return nil, q.err, nil
}

// Close makes every receive return err, after queued messages were dropped and counted as lost. A second Close does nothing.
func (q *Inbox) Close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return
	}
	q.err = err
	t := q.turn.Load()
	rest := t.end()
	for _, m := range rest {
		m.Release()
	}
	if s := t.source; s != nil {
		s.delivered += uint64(t.n - len(rest))
		s.droppedLocked(0, len(rest), 0)
		s.beginLocked(-t.bytes)
	}
	q.turn.Store(&noTurn)
	for !q.ready.empty() {
		q.ready.pop().loseLocked()
	}
	for s := range q.held {
		s.loseLocked()
	}
	q.held = nil
	q.waiters.WakeAll()
	q.chooseDirectLocked()
}
