// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/stats"
)

// An outbox is the sending half of a pipe: it bounds a send queue, from which a carrier writes, and counts
// every message. Under mu, at any moment:
//
//	offered = sent + queued + returned + dropped
//
// A caller that queues a message takes the writer's role if it is free.
//
// Fields that every message needs come first: with many pipes, the number of cache lines that a message touches matters.
type outbox struct {
	mu     lock.Mutex[lock.Outbox]
	queue  sendqueue.Queue
	queued int   // messages, those in flight included
	bytes  int64 // and their cost

	// Between these numbers of bytes the meter need not know of a change, and more are within the limits.
	floor, ceiling int64

	limits   queue.Limits
	offered  uint64
	carrier  carrier
	controls *sendqueue.Controls // nil = none

	// requests is held while the queue is more than half full: see [Traits]. Nil = nothing is.
	requests *queue.Source
	holding  bool

	life      life  // see pipeOpen
	writer    uint8 // the holder of the writer's role: see writerHeld
	direct    bool  // senders need not ask the pattern
	hungry    bool  // a sender was refused because the queue is full, and waits for Writable
	peerEnded bool  // the peer has ended its direction
	confirmed bool  // the pipe is over, and its sent messages are known to have arrived

	sincePause     int64 // see pace
	sent, returned uint64
	meter          budget.Meter
	dropped        drops
	flushers       queue.Waiters

	marks   marks         // nil while nothing waits
	written atomic.Uint64 // bytes, frame heads included
}

// An Overflow is the policy of a best-effort pattern for a full queue.
type Overflow uint8

// The policies.
const (
	DropOldest Overflow = iota // the oldest queued message makes room; one that is being written stays
	DropNewest                 // the message is not queued to this pipe
	Block                      // the sender waits
	Disconnect                 // the pipe is closed
	Conflate                   // the message takes the place of all that are not being written
)

// roomLocked reports whether n more bytes fit. One message fits into an empty queue, however large. In a queue of replies,
// one fits if the queue is no more than half full. So the receiver of a request can send the reply, unless another reply was
// faster.
func (o *outbox) roomLocked(n int) bool {
	return o.queued < o.limits.Messages && o.bytes+int64(n) <= o.ceiling || o.tightLocked(n)
}

// tightLocked is apart from roomLocked so that the compiler inlines that.
func (o *outbox) tightLocked(n int) bool {
	return o.fitsLocked(n) && o.meter.Room(o.bytes, int64(n))
}

// fitsLocked is roomLocked, whatever the budget has left.
func (o *outbox) fitsLocked(n int) bool {
	return o.queued < o.limits.Messages &&
		(o.queued == 0 || o.bytes+int64(n) <= o.limits.Bytes || o.requests != nil && o.halfEmptyLocked())
}

// changeLocked counts messages that were queued or, if negative, left the queue, and their size. All changes of the queue go
// through it.
func (o *outbox) changeLocked(messages int, bytes int64) {
	o.queued += messages
	o.bytes += bytes
	if o.bytes < o.floor || o.bytes > o.ceiling {
		o.chargeLocked()
	}
}

// chargeLocked sets the meter to the size of the queue.
func (o *outbox) chargeLocked() {
	o.meter.Set(o.bytes)
	low, high := o.meter.Bounds()
	o.floor, o.ceiling = low, min(high, o.limits.Bytes)
}

// halfEmptyLocked reports whether the queue is no more than half full.
func (o *outbox) halfEmptyLocked() bool {
	return o.queued <= o.limits.Messages/2 && o.bytes <= o.limits.Bytes/2
}

// throttleLocked pauses the requests of a peer whose queue is more than half full, and no other's. It is called after every
// change of the queue, under the same lock, so that no request is delivered without room for its reply.
func (o *outbox) throttleLocked() {
	if full := !o.halfEmptyLocked(); full != o.holding {
		if o.holding = full; full {
			o.requests.Hold()
		} else {
			o.requests.Unhold()
		}
	}
}

// putMessageLocked queues the contents of m. A message is the application's until then: should reading it panic, the lock is
// free before anybody can recover. Copies of bodies do not pay for the precaution.
func (o *outbox) putMessageLocked(header []byte, m *msg.Message) {
	taken := false
	defer func() {
		if !taken {
			o.mu.Unlock()
		}
	}()
	o.addedLocked(1, int64(o.queue.Put(header, nil, m)))
	taken = true
}

// putBodiesLocked queues copies of as many of bodies as there is room for, and returns how many.
func (o *outbox) putBodiesLocked(header []byte, bodies [][]byte) (n int) {
	for n < len(bodies) {
		if !o.roomLocked(msg.ShapeOf(header, bodies[n], nil).Cost()) {
			o.hungry = true
			break
		}
		most := min(len(bodies)-n, o.limits.Messages-o.queued)
		put, bytes := o.queue.PutAll(header, bodies[n:n+most], o.ceiling-o.bytes)
		o.addedLocked(put, bytes)
		o.sincePause += bytes + int64(put*paceMessage)
		n += put
	}
	return n
}

// addedLocked counts messages that were put.
func (o *outbox) addedLocked(messages int, bytes int64) {
	o.changeLocked(messages, bytes)
	o.offered += uint64(messages)
	if o.requests != nil {
		o.throttleLocked()
	}
}

// emptyLocked reports whether there is nothing to write.
func (o *outbox) emptyLocked() bool {
	return o.queued == 0 && o.controls.Empty() && !o.queue.Midway()
}

// idle reports whether nothing is being written or waits for it, and more may come.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open() && o.writer != writerTaken && o.emptyLocked()
}

// endsLocked reports whether the outgoing direction is to be ended now.
func (o *outbox) endsLocked() bool { return o.life.at(pipeEnding) && o.emptyLocked() }

// open reports whether messages are accepted.
func (o *outbox) open() bool { return !o.life.reached(pipeEnding) }

// pauseLocked reports whether it is time for a sender to pause.
func (o *outbox) pauseLocked() bool {
	if o.sincePause < pace {
		return false
	}
	o.sincePause = 0
	return true
}

// settleLocked counts written messages, and reports whether blocked senders have room again.
func (o *outbox) settleLocked(messages int, bytes int64) (hasRoom bool) {
	o.changeLocked(-messages, -bytes)
	o.sent += uint64(messages)
	if !o.flushers.Empty() {
		o.flushers.WakeAll()
	}
	if o.hungry && o.halfEmptyLocked() {
		o.hungry, hasRoom = false, true
	}
	if o.requests != nil {
		o.throttleLocked()
	}
	return hasRoom
}

// unsentLocked empties the outbox of a pipe that has ended. With keep, it returns the messages that were not wholly written;
// otherwise it drops them for a reason, and returns their number.
func (o *outbox) unsentLocked(keep bool, reason reasons.Reason) (unsent []msg.Message, lost int) {
	if keep {
		unsent = o.queue.Unsent()
		o.returned += uint64(len(unsent))
		o.queued -= len(unsent)
	}
	lost = o.queued
	o.dropped.add(reason, uint64(lost))
	o.changeLocked(-o.queued, -o.bytes)
	if o.requests != nil {
		o.throttleLocked()
	}
	o.queue.Discard()
	o.controls.Discard()
	o.controls = nil
	o.flushers.WakeAll()
	return unsent, lost
}

// flush waits until everything that is queued now has left the outbox, one way or another.
func (o *outbox) flush(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	mark := o.offered
	for o.queued > 0 && o.offered-uint64(o.queued) < mark {
		if err := o.flushers.Wait(ctx, &o.mu); err != nil {
			return err
		}
	}
	return nil
}

func (o *outbox) stats(p *Pipe) stats.SendStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	st := stats.SendStats{
		Offered: o.offered, Sent: o.sent, Queued: uint64(o.queued), QueuedBytes: o.bytes, Returned: o.returned,
		Bytes: o.written.Load(), Dropped: make(map[reasons.Reason]uint64),
	}
	o.dropped.addTo(st.Dropped)
	if o.queued > 0 {
		if o.marks = o.marks.of(o.sent); len(o.marks) == 0 { // noted now
			o.marks = o.marks.add(o.sent, o.queued)
		}
		st.OldestAge = time.Since(epoch) - o.marks[0].at
	}
	if p.over() {
		st.Unknown = o.unknownLocked()
	}
	return st
}

// unknownLocked is how many messages an ended pipe has sent without proof of arrival: all or none.
func (o *outbox) unknownLocked() uint64 {
	if o.confirmed {
		return 0
	}
	return o.sent
}
