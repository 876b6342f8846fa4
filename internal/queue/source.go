// SPDX-License-Identifier: MIT

package queue

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/hist"
	"github.com/sprymq/spry/internal/msg"
)

// A Source is one pipe's queue in an inbox. Its byte limit is a limit of memory: a message is charged its
// [msg.Message.Cost], and the tail bounds the other memory that it keeps alive.
type Source struct {
	inbox   *Inbox
	resume  func()                         // called, without locks, when a source that refused messages has room again
	backlog *atomic.Int64                  // messages in the queue, to be read without the lock; may be nil
	onDrop  func(overflow, lost, shed int) // called, under inbox.mu, when messages were dropped; may be nil

	// Under inbox.mu.
	runs      fifo[sizedRun]
	messages  int
	bytes     int64 // and their cost
	begun     int64 // the cost of the current turn, if it is one of this source
	meter     budget.Meter
	shed      bool // messages that arrive are dropped
	tail      tail
	packer    msg.Packer
	inReady   bool
	held      bool
	refused   bool
	arrived   uint64
	dropped   uint64 // for overflow
	lost      uint64 // for being still queued when the inbox was closed
	gone      uint64 // with the pipe, which was shed
	delivered uint64 // in finished turns
	ages      ages
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
	since int64 // when it came, if that was noted, or 0; see ages
}

// CountIn makes backlog count the messages in the queue, without those of a turn; several sources may share it. It must be
// called before the first Put.
func (s *Source) CountIn(backlog *atomic.Int64) { s.backlog = backlog }

// Charge sets the meter that counts queued messages and those of the current turn. It must be called before the first Put.
func (s *Source) Charge(m budget.Meter) { s.meter = m }

// OnDrop sets a function that is called when messages of the source are dropped: for overflow, lost because the inbox is
// closed, or shed. It is called under the inbox's lock. OnDrop must be called before the first Put.
func (s *Source) OnDrop(onDrop func(overflow, lost, shed int)) { s.onDrop = onDrop }

// droppedLocked counts messages that are dropped.
func (s *Source) droppedLocked(overflow, lost, shed int) {
	s.dropped += uint64(overflow)
	s.lost += uint64(lost)
	s.gone += uint64(shed)
	if s.onDrop != nil && overflow+lost+shed > 0 {
		s.onDrop(overflow, lost, shed)
	}
}

// Shed drops queued messages, and all that arrive later.
func (s *Source) Shed() {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	s.shed = true
	s.droppedLocked(0, 0, s.messages)
	s.clearLocked()
}

// Put offers messages and returns how many were taken; the rest was refused because the queue is full, and resume is called
// when there is room. Only the policy Wait refuses. The inbox owns the messages that it took.
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
		taken = s.appendLocked(run, q.limits)
		s.refused = s.refused || taken < len(run)
	case DropNewest:
		taken = s.appendLocked(run, q.limits)
		s.arrived += uint64(len(run) - taken)
		s.droppedLocked(len(run)-taken, 0, 0)
		msg.ReleaseAll(run[taken:])
		taken = len(run)
	case DropOldest:
		taken = s.appendLocked(run, noLimits)
		s.dropOldestLocked()
	}
	return taken
}

var noLimits = Limits{math.MaxInt, math.MaxInt64}

// changeLocked counts messages that entered the queue or, if negative, left it, and their cost. All changes of the queue go
// through it.
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

// appendLocked puts as much of run at the end as there is room for, and returns how many messages that is.
func (s *Source) appendLocked(run []msg.Message, limits Limits) (n int) {
	for n < len(run) {
		most, longer := s.nextRunLocked(run[n:])
		span := msg.FirstSpan(run[n:min(n+most, len(run))])
		next := sizedRun{msgs: run[n : n+span.Messages], bytes: span.Cost}
		if s.messages+span.Messages > limits.Messages || s.bytes+span.Cost > limits.Bytes {
			if next = s.fitLocked(next.msgs, limits); len(next.msgs) == 0 {
				break
			}
			span = msg.FirstSpan(next.msgs)
		}
		if longer {
			last := s.runs.back()
			last.msgs = last.msgs[:len(last.msgs)+len(next.msgs)]
			last.bytes += next.bytes
		} else {
			next.since = s.ages.note(s.runs.empty())
			s.runs.push(next)
		}
		s.changeLocked(len(next.msgs), next.bytes)
		s.followLocked(span)
		n += len(next.msgs)
	}
	s.arrived += uint64(n)
	if n > 0 && !s.held {
		s.announceLocked(n)
	}
	return n
}

// announceLocked lets receivers have n messages that are new to them.
func (s *Source) announceLocked(n int) {
	q := s.inbox
	if !s.inReady {
		s.inReady = true
		q.ready.push(s)
	}
	if !q.waiters.Empty() {
		q.waiters.Wake(n)
		q.interruptLocked()
	}
}

// fitLocked returns as much of run as there is room for.
func (s *Source) fitLocked(run []msg.Message, limits Limits) (fits sizedRun) {
	for i := range run {
		bytes := fits.bytes + int64(run[i].Cost())
		if n := s.messages + i; n >= limits.Messages || n > 0 && s.bytes+bytes > limits.Bytes {
			break
		}
		fits = sizedRun{msgs: run[:i+1], bytes: bytes}
	}
	return fits
}

// nextRunLocked returns how many of run belong together in the queue, and whether they extend the last run there, because
// they lie in memory directly after it. A run is at most a turn, so that taking a turn is taking a whole run.
func (s *Source) nextRunLocked(run []msg.Message) (most int, longer bool) {
	if s.runs.empty() {
		return Turn, false
	}
	last := s.runs.back().msgs
	if most = min(Turn-len(last), following(last, run)); most > 0 {
		return most, true
	}
	return Turn, false
}

// following is how many messages of more lie in memory directly after run, so that run can be extended by them.
func following(run, more []msg.Message) int {
	n := len(run)
	if n == cap(run) || &run[:n+1][n] != &more[0] {
		return 0
	}
	return min(len(more), cap(run)-n)
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
		s.ages.taken(front.since)
		return s.runs.pop()
	}
	part.since = front.since
	k := 0
	for ; k < min(n, len(front.msgs)); k++ {
		c := int64(front.msgs[k].Cost())
		if part.bytes+c > bytes && !(first && k == 0) {
			break
		}
		part.bytes += c
	}
	if k > 0 && k == len(front.msgs) {
		s.ages.taken(front.since)
	}
	part.msgs = front.msgs[:k]
	front.bytes -= part.bytes
	if front.msgs = front.msgs[k:]; len(front.msgs) == 0 {
		s.runs.pop()
	}
	return part
}

// loseLocked drops the queued messages, because the inbox is closed.
func (s *Source) loseLocked() {
	s.droppedLocked(0, s.messages, 0)
	s.clearLocked()
	s.inReady, s.held = false, false
}

// clearLocked releases the queued messages.
func (s *Source) clearLocked() {
	for !s.runs.empty() {
		msg.ReleaseAll(s.runs.pop().msgs)
	}
	s.changeLocked(-s.messages, -s.bytes)
}

// beginLocked counts the cost of a turn that begins or, if negative, of one that has ended.
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

// Ages returns how long the oldest message has been queued, about, and how long messages were queued, as far as that was noted.
func (s *Source) Ages() (oldest time.Duration, waited hist.Histogram) {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	oldest = s.ages.oldest(s.runs.live())
	if t := q.turn.Load(); t.source == s && t.since != 0 && t.taken() < t.n {
		oldest = max(oldest, now()-time.Duration(t.since))
	}
	return oldest, s.ages.waited.Clone()
}

func cost(run []msg.Message) (n int64) {
	for i := range run {
		n += int64(run[i].Cost())
	}
	return n
}

// Received messages are parts of the chunk that they were read into, and each of them keeps the whole chunk. The rest of the
// chunk may be unused: other messages may have been filtered, expired, or unknown commands. A peer that leaves one message
// of each chunk would make a queue keep a multiple of its limit.
//
// So a source watches its tail: the messages in the chunk of the latest message. When the reader goes on to another chunk,
// and the tail has used little of its own, the tail's queued messages move to memory of the source. This copies at most the
// excess of the chunk, and most of the memory that is kept is used. So a queue takes at most twice the cost of its messages,
// and one chunk; or three, if its limit is less than a chunk.
type tail struct {
	use      uint64 // of the chunk (see [buf.Chunk.Use]); 0: none
	size     int    // of the chunk
	used     int    // bytes of it that the source's messages took, including those that have left the queue
	messages int    // put since the tail began
}

const (
	// A chunk is kept if usedNum/usedDen of it were used. Large messages are never moved: few fit into a chunk.
	usedNum, usedDen = 5, 8

	// A queue with a limit of less than smallQueue chunks keeps a chunk only for at least a fewLeft part of it.
	smallQueue = 8
	fewLeft    = 8
)

// followLocked notes in which chunk the latest messages lie, which were just put.
func (s *Source) followLocked(latest msg.Span) {
	if c := latest.Chunk; c != nil && c.Use() != s.tail.use {
		if s.messages > latest.Messages { // else nothing of the tail is left
			s.settleLocked(latest.Messages)
		}
		s.tail = tail{use: c.Use(), size: len(c.Data)}
	}
	s.tail.messages += latest.Messages
	s.tail.used += latest.Stream
}

// Settle says that nothing more is read into the chunk that the latest messages lie in.
func (s *Source) Settle() {
	s.inbox.mu.Lock()
	s.settleLocked(0)
	s.tail = tail{}
	s.inbox.mu.Unlock()
}

// settleLocked moves the tail's queued messages, which end before the last after messages, to memory of the source, if they
// keep too much alive.
func (s *Source) settleLocked(after int) {
	t := &s.tail
	n := min(t.messages, s.messages-after)
	if t.use == 0 || n <= 0 {
		return
	}
	runs := s.runs.live()
	last, end := back(runs, len(runs)-1, len(runs[len(runs)-1].msgs), after)
	first, begin := back(runs, last, end, n)
	if t.used*usedDen >= t.size*usedNum && !s.fewLeft(runs[first:last+1]) {
		return
	}
	moved := make([]msg.Message, 0, n)
	for i := first; i <= last; i++ {
		piece := runs[i].msgs
		if i == last {
			piece = piece[:end]
		}
		if i == first {
			piece = piece[begin:]
		}
		moved = append(moved, piece...)
		clear(piece) // what lies beside them in memory may stay
	}
	before := cost(moved)
	s.packer.Pack(moved, t.use, int(min(s.inbox.limits.Bytes/smallQueue, 1<<30)))
	packed := sizedRun{msgs: moved, bytes: cost(moved), since: runs[first].since}
	s.changeLocked(0, packed.bytes-before)

	parts := make([]sizedRun, 0, 3)
	if head := runs[first].msgs[:begin:begin]; begin > 0 {
		parts = append(parts, sizedRun{msgs: head, bytes: cost(head), since: runs[first].since})
	}
	parts = append(parts, packed)
	if rest := runs[last].msgs[end:]; len(rest) > 0 {
		parts = append(parts, sizedRun{msgs: rest, bytes: cost(rest), since: runs[last].since})
	}
	s.runs.replace(first, last+1, parts...)
}

// back returns where n messages before index at of the run i are.
func back(runs []sizedRun, i, at, n int) (run, index int) {
	for n > at {
		n -= at
		i--
		at = len(runs[i].msgs)
	}
	return i, at - n
}

// fewLeft reports whether so few of the tail's messages, which are all in runs, are left that a small queue should not keep
// their chunk.
func (s *Source) fewLeft(runs []sizedRun) bool {
	if s.inbox.limits.Bytes >= smallQueue*int64(s.tail.size) {
		return false
	}
	var left int64
	for i := range runs {
		left += runs[i].bytes
	}
	return left*fewLeft < int64(s.tail.size)
}
