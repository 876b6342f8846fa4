// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

// Limits bound what one source may hold in an inbox. Both hold; a single message larger than Bytes may enter
// an empty queue.
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

// An Inbox is where a socket's received messages wait. Each source (a pipe) has a bounded queue in it; the
// receiver takes turns of at most Turn messages from the sources that have something, in the order in which
// they came to have it. With every source non-empty, none is therefore ever more than one turn ahead.
//
// A turn is taken under the lock, once, and handed out message by message without it.
type Inbox struct {
	limits Limits
	policy Policy
	turn   atomic.Pointer[turn]   // which the receivers are at; never nil
	leader atomic.Pointer[Leader] // the only one, or nil

	mu      sync.Mutex
	turns   turns
	ready   fifo[*Source]        // those that have messages, held ones perhaps among them
	held    map[*Source]struct{} // see Hold; nil until there was one
	waiters Waiters
	leaders map[Leader]struct{}
	first   func() *msg.Message // asked before the sources; nil = none
	err     error               // set once by Close: nothing comes any more
}

// A Source is one pipe's queue in an inbox.
type Source struct {
	inbox   *Inbox
	resume  func()                   // called, without locks, when a source that refused messages has room again
	backlog *atomic.Int64            // messages in the queue, for who asks without the lock; may be nil
	tell    func(overflow, lost int) // called, under inbox.mu, when messages were dropped; nil: nobody is told

	// Under inbox.mu.
	runs      fifo[sizedRun]
	messages  int
	bytes     int64
	inReady   bool
	held      bool
	refused   bool
	arrived   uint64
	dropped   uint64 // for overflow
	lost      uint64 // for being still queued when the inbox was closed
	delivered uint64 // in turns that are over
}

// Counts are the figures of one source at one moment:
// Arrived = Delivered + Queued + Overflow + Lost.
type Counts struct {
	Arrived, Delivered, Overflow, Lost uint64
	Queued                             int
	QueuedBytes                        int64
}

// NewInbox returns an empty inbox.
func NewInbox(l Limits, p Policy) *Inbox {
	q := &Inbox{limits: l, policy: p}
	q.turn.Store(&turn{})
	return q
}

// NewSource adds a source. resume may be nil where the policy never refuses.
func (q *Inbox) NewSource(resume func()) *Source { return &Source{inbox: q, resume: resume} }

// First has first asked for a message before the sources are, under the inbox's lock. Look says that it may have one. It comes
// before the first Put, and what it gives is in no source's figures.
func (q *Inbox) First(first func() *msg.Message) { q.first = first }

// Look lets those who wait look again.
func (q *Inbox) Look() {
	q.mu.Lock()
	q.waiters.WakeAll()
	q.mu.Unlock()
}

// A sizedRun is a run of messages and the sum of their sizes.
type sizedRun struct {
	msgs  []msg.Message
	bytes int64
}

// CountIn has the messages in the queue, those of a turn left out, counted in backlog, which may count several sources. It
// comes before the first Put.
func (s *Source) CountIn(backlog *atomic.Int64) { s.backlog = backlog }

// OnDrop has tell called when messages of the source are dropped: for overflow, or lost because the inbox is closed. It
// is called under the inbox's lock. OnDrop comes before the first Put.
func (s *Source) OnDrop(tell func(overflow, lost int)) { s.tell = tell }

// droppedLocked counts messages that are dropped.
func (s *Source) droppedLocked(overflow, lost int) {
	s.dropped += uint64(overflow)
	s.lost += uint64(lost)
	if s.tell != nil && overflow+lost > 0 {
		s.tell(overflow, lost)
	}
}

// Put offers messages and returns how many were taken; the rest was refused for want of room, and resume is
// called when there is some. Only the policy Wait refuses. The inbox owns what it took.
func (s *Source) Put(run []msg.Message) (taken int) {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		s.arrived += uint64(len(run))
		s.droppedLocked(0, len(run))
		msg.ReleaseAll(run)
		return len(run)
	}
	before := s.messages
	switch q.policy {
	case Wait:
		fits := s.fitLocked(run)
		taken = len(fits.msgs)
		s.refused = s.refused || taken < len(run)
		s.appendLocked(fits)
	case DropNewest:
		fits := s.fitLocked(run)
		taken = len(fits.msgs)
		s.appendLocked(fits)
		s.arrived += uint64(len(run) - taken)
		s.droppedLocked(len(run)-taken, 0)
		msg.ReleaseAll(run[taken:])
		taken = len(run)
	case DropOldest:
		s.appendLocked(sizedRun{run, size(run)})
		s.dropOldestLocked()
		taken = len(run)
	}
	s.countLocked(s.messages - before)
	return taken
}

func (s *Source) countLocked(more int) {
	if s.backlog != nil {
		s.backlog.Add(int64(more))
	}
}

// HasRoom reports whether a message of n bytes would be taken. If not, resume is called when there is room.
func (s *Source) HasRoom(n int) bool {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	room := q.err != nil || s.messages < q.limits.Messages && (s.messages == 0 || s.bytes+int64(n) <= q.limits.Bytes)
	s.refused = s.refused || !room
	return room
}

// Resume calls resume if messages were refused.
func (s *Source) Resume() {
	q := s.inbox
	q.mu.Lock()
	refused := s.refused
	s.refused = false
	q.mu.Unlock()
	if refused {
		s.resume()
	}
}

// fitLocked returns as much of run as there is room for.
func (s *Source) fitLocked(run []msg.Message) (fits sizedRun) {
	limits := s.inbox.limits
	all := sizedRun{run, size(run)}
	if s.messages+len(run) <= limits.Messages && s.bytes+all.bytes <= limits.Bytes {
		return all
	}
	for i := range run {
		bytes := fits.bytes + int64(run[i].Len())
		if n := s.messages + i; n >= limits.Messages || n > 0 && s.bytes+bytes > limits.Bytes {
			fits.msgs = run[:i]
			return fits
		}
		fits.bytes = bytes
	}
	fits.msgs = run
	return fits
}

func (s *Source) appendLocked(run sizedRun) {
	n := len(run.msgs)
	if n == 0 {
		return
	}
	q := s.inbox
	s.runs.push(run)
	s.messages += n
	s.bytes += run.bytes
	s.arrived += uint64(n)
	if s.held {
		return
	}
	if !s.inReady {
		s.inReady = true
		q.ready.push(s)
	}
	q.waiters.Wake(n)
	q.kickLocked()
}

func (s *Source) dropOldestLocked() {
	limits, before := s.inbox.limits, s.messages
	for s.messages > limits.Messages || s.messages > 1 && s.bytes > limits.Bytes {
		run := s.runs.front()
		n := int64(run.msgs[0].Len())
		run.msgs[0].Release()
		s.messages--
		s.bytes -= n
		run.bytes -= n
		if run.msgs = run.msgs[1:]; len(run.msgs) == 0 {
			s.runs.pop()
		}
	}
	s.droppedLocked(before-s.messages, 0)
}

// takeTurnLocked begins the next source's turn and takes its first message. It returns a function to call when the
// lock is released, if that source waits for room.
func (q *Inbox) takeTurnLocked() (m *msg.Message, resume func()) {
	s := q.nextSourceLocked()
	if s == nil {
		return nil, nil
	}
	if s.messages == 1 {
		m = q.takeOnlyLocked(s)
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

// nextTurnLocked makes the next turn one of s, and takes its first message.
func (q *Inbox) nextTurnLocked(s *Source) (m *msg.Message) {
	t := q.turns.next(s)
	for t.n < Turn && !s.runs.empty() {
		q.turns.add(t, s.frontLocked(Turn-t.n))
	}
	s.leftLocked(t.n, t.bytes)
	m = t.take() // before others can
	if old := q.turn.Swap(t); old.source != nil {
		old.source.delivered += uint64(old.n)
	}
	return m
}

// takeOnlyLocked takes the only message of s without a turn, whose memory counts where messages come one by one.
func (q *Inbox) takeOnlyLocked(s *Source) *msg.Message {
	run := s.runs.pop()
	s.leftLocked(1, run.bytes)
	s.delivered++
	return &run.msgs[0]
}

// leftLocked says that messages are not in the queue any more.
func (s *Source) leftLocked(messages int, bytes int64) {
	s.messages -= messages
	s.bytes -= bytes
	s.countLocked(-messages)
}

// frontLocked takes up to n messages of the first run out.
func (s *Source) frontLocked(n int) sizedRun {
	front := s.runs.front()
	if len(front.msgs) <= n {
		return s.runs.pop()
	}
	part := sizedRun{front.msgs[:n:n], size(front.msgs[:n])}
	front.msgs = front.msgs[n:]
	front.bytes -= part.bytes
	return part
}

// TryRecv returns the next message, or nil and nil if none is there, or the error given to Close.
func (q *Inbox) TryRecv() (*msg.Message, error) {
	if m := q.turn.Load().take(); m != nil {
		return m, nil
	}
	m, err, resume := q.tryRecv(nil)
	if resume != nil {
		resume()
	}
	return m, err
}

// Recv waits for the next message.
func (q *Inbox) Recv(ctx context.Context) (*msg.Message, error) {
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
		if l := q.leader.Load(); l != nil && w.alone {
			(*l).Lead(ctx, w)
		}
		if err := w.Park(ctx); err != nil {
			q.mu.Lock()
			q.waiters.Done(w, err)
			q.mu.Unlock()
			return nil, err
		}
	}
}

// RecvBatch waits for at least one message and fills dst with as many as are at hand.
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
		m, _ := q.TryRecv() // of the next turn; an error is told by the next call
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
	if m = q.turn.Load().take(); m != nil { // somebody else has taken the next turn
		return m, nil, nil
	}
	if q.first != nil && q.err == nil {
		if m = q.first(); m != nil {
			return m, nil, nil
		}
	}
	if m, resume = q.takeTurnLocked(); m != nil {
		return m, nil, resume
	}
	if q.err == nil && wait != nil {
		*wait = q.waiters.Add()
	}
	return nil, q.err, nil
}

// Close makes every receive return err, after what is queued was dropped and counted as lost. A second Close
// does nothing.
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
		s.droppedLocked(0, len(rest))
	}
	q.turn.Store(&turn{})
	for !q.ready.empty() {
		q.ready.pop().loseLocked()
	}
	for s := range q.held {
		s.loseLocked()
	}
	q.held = nil
	q.waiters.WakeAll()
	q.chooseLeaderLocked()
}

// loseLocked drops what is queued, because the inbox is closed.
func (s *Source) loseLocked() {
	s.droppedLocked(0, s.messages)
	for !s.runs.empty() {
		msg.ReleaseAll(s.runs.pop().msgs)
	}
	s.countLocked(-s.messages)
	s.messages, s.bytes, s.inReady, s.held = 0, 0, false, false
}

// Counts returns the source's figures, all of the same moment. QueuedBytes of a turn that is under way is what its
// messages have on average.
func (s *Source) Counts() Counts {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	c := Counts{
		Arrived: s.arrived, Delivered: s.delivered, Overflow: s.dropped, Lost: s.lost,
		Queued: s.messages, QueuedBytes: s.bytes,
	}
	if t := q.turn.Load(); t.source == s {
		taken := t.taken()
		c.Delivered += uint64(taken)
		c.Queued += t.n - taken
		c.QueuedBytes += t.bytes * int64(t.n-taken) / int64(t.n)
	}
	return c
}

func size(run []msg.Message) (n int64) {
	for i := range run {
		n += int64(run[i].Len())
	}
	return n
}
