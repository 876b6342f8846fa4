// SPDX-License-Identifier: MIT

package queue

import (
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/msg"
)

// A Source is one pipe's queue in an inbox. Its limit of bytes is one of memory: a message is charged its
// [msg.Message.Cost], and what else it would keep alive is bounded by tail.go.
type Source struct {
	inbox   *Inbox
	resume  func()                         // called, without locks, when a source that refused messages has room again
	backlog *atomic.Int64                  // messages in the queue, for who asks without the lock; may be nil
	tell    func(overflow, lost, shed int) // called, under inbox.mu, when messages were dropped; nil: nobody is told

	// Under inbox.mu.
	runs      fifo[sizedRun]
	messages  int
	bytes     int64 // and their cost
	begun     int64 // what the turn under way costs, if it is one of this source
	meter     budget.Meter
	shed      bool // what comes is dropped
	tail      tail
	packer    msg.Packer
	inReady   bool
	held      bool
	refused   bool
	arrived   uint64
	dropped   uint64 // for overflow
	lost      uint64 // for being still queued when the inbox was closed
	gone      uint64 // with the pipe, which was shed
	delivered uint64 // in turns that are over
}

// Counts are the figures of one source at one moment:
// Arrived = Delivered + Queued + Overflow + Lost + Shed.
type Counts struct {
	Arrived, Delivered, Overflow, Lost, Shed uint64
	Queued                                   int
	QueuedBytes                              int64
}

// A sizedRun is a run of messages and the sum of their costs.
type sizedRun struct {
	msgs  []msg.Message
	bytes int64
}

// CountIn has the messages in the queue, those of a turn left out, counted in backlog, which may count several sources. It
// comes before the first Put.
func (s *Source) CountIn(backlog *atomic.Int64) { s.backlog = backlog }

// Charge has what is queued, and what receivers have begun with, counted by a meter. It comes before the first Put.
func (s *Source) Charge(m budget.Meter) { s.meter = m }

// OnDrop has tell called when messages of the source are dropped: for overflow, lost because the inbox is closed, or shed.
// It is called under the inbox's lock. OnDrop comes before the first Put.
func (s *Source) OnDrop(tell func(overflow, lost, shed int)) { s.tell = tell }

// droppedLocked counts messages that are dropped.
func (s *Source) droppedLocked(overflow, lost, shed int) {
	s.dropped += uint64(overflow)
	s.lost += uint64(lost)
	s.gone += uint64(shed)
	if s.tell != nil && overflow+lost+shed > 0 {
		s.tell(overflow, lost, shed)
	}
}

// Shed drops what is queued, and whatever comes.
func (s *Source) Shed() {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	s.shed = true
	s.droppedLocked(0, 0, s.messages)
	s.clearLocked()
}

// Put offers messages and returns how many were taken; the rest was refused for want of room, and resume is
// called when there is some. Only the policy Wait refuses. The inbox owns what it took.
func (s *Source) Put(run []msg.Message) (taken int) {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || s.shed {
		s.arrived += uint64(len(run))
		if s.shed {
			s.droppedLocked(0, 0, len(run))
		} else {
			s.droppedLocked(0, len(run), 0)
		}
		msg.ReleaseAll(run)
		return len(run)
	}
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
		s.droppedLocked(len(run)-taken, 0, 0)
		msg.ReleaseAll(run[taken:])
		taken = len(run)
	case DropOldest:
		s.appendLocked(sizedRun{run, cost(run)})
		s.dropOldestLocked()
		taken = len(run)
	}
	return taken
}

// changeLocked counts messages that are in the queue now, or, if negative, are not any more, and their cost. All changes of
// what is queued go through it.
func (s *Source) changeLocked(messages int, bytes int64) {
	s.messages += messages
	s.bytes += bytes
	s.meter.Set(s.bytes + s.begun)
	if s.backlog != nil {
		s.backlog.Add(int64(messages))
	}
	if s.messages == 0 && s.packer.Used() {
		s.packer.End()
	}
}

// HasRoom reports whether a message that costs n bytes would be taken. If not, resume is called when there is room.
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
	all := sizedRun{run, cost(run)}
	if s.messages+len(run) <= limits.Messages && s.bytes+all.bytes <= limits.Bytes {
		return all
	}
	for i := range run {
		bytes := fits.bytes + int64(run[i].Cost())
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
	s.pushLocked(run)
	s.changeLocked(n, run.bytes)
	s.arrived += uint64(n)
	s.followLocked(run.msgs)
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

// pushLocked puts a run at the end. One that goes on in memory where the last one ends makes that longer.
func (s *Source) pushLocked(run sizedRun) {
	if !s.runs.empty() {
		last := s.runs.back()
		n := len(last.msgs)
		if all := n + len(run.msgs); all <= cap(last.msgs) && &last.msgs[:n+1][n] == &run.msgs[0] {
			last.msgs = last.msgs[:all]
			last.bytes += run.bytes
			return
		}
	}
	s.runs.push(run)
}

func (s *Source) dropOldestLocked() {
	limits, before := s.inbox.limits, s.messages
	for s.messages > limits.Messages || s.messages > 1 && s.bytes > limits.Bytes {
		run := s.runs.front()
		n := int64(run.msgs[0].Cost())
		run.msgs[0].Release()
		run.msgs[0] = msg.Message{} // its neighbours keep it in memory, and it must not keep its chunk
		s.changeLocked(-1, -n)
		run.bytes -= n
		if run.msgs = run.msgs[1:]; len(run.msgs) == 0 {
			s.runs.pop()
		}
	}
	s.droppedLocked(before-s.messages, 0, 0)
}

// frontLocked takes messages of the first run out: up to n, which cost up to bytes, or none. With first, one may cost more.
func (s *Source) frontLocked(n int, bytes int64, first bool) (part sizedRun) {
	front := s.runs.front()
	if len(front.msgs) <= n && front.bytes <= bytes {
		return s.runs.pop()
	}
	k := 0
	for ; k < min(n, len(front.msgs)); k++ {
		c := int64(front.msgs[k].Cost())
		if part.bytes+c > bytes && !(first && k == 0) {
			break
		}
		part.bytes += c
	}
	part.msgs = front.msgs[:k:k]
	front.bytes -= part.bytes
	if front.msgs = front.msgs[k:]; len(front.msgs) == 0 {
		s.runs.pop()
	}
	return part
}

// loseLocked drops what is queued, because the inbox is closed.
func (s *Source) loseLocked() {
	s.droppedLocked(0, s.messages, 0)
	s.clearLocked()
	s.inReady, s.held = false, false
}

// clearLocked releases what is queued.
func (s *Source) clearLocked() {
	for !s.runs.empty() {
		msg.ReleaseAll(s.runs.pop().msgs)
	}
	s.changeLocked(-s.messages, -s.bytes)
}

// beginLocked says what a turn that receivers begin with costs, or, if negative, one that is over.
func (s *Source) beginLocked(bytes int64) {
	s.begun += bytes
	s.meter.Set(s.bytes + s.begun)
}

// Counts returns the source's figures, all of the same moment. QueuedBytes of a turn that is under way is what its
// messages have on average.
func (s *Source) Counts() Counts {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	c := Counts{
		Arrived: s.arrived, Delivered: s.delivered, Overflow: s.dropped, Lost: s.lost, Shed: s.gone,
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

func cost(run []msg.Message) (n int64) {
	for i := range run {
		n += int64(run[i].Cost())
	}
	return n
}
