// SPDX-License-Identifier: MIT

package sendqueue

import (
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// Messages is the queue of a link that takes messages as they are.
type Messages struct {
	origin   *msg.Origin
	waiting  packets
	flight   parcel
	controls []wire.Control // in flight
}

// NewMessages returns an empty queue. origin, if not nil, is where the receiver of its messages has them from.
func NewMessages(origin *msg.Origin) *Messages { return &Messages{origin: origin} }

// Put implements Queue.
func (q *Messages) Put(header, body []byte, m *msg.Message) int {
	return q.waiting.put(header, body, m, q.origin)
}

// PutAll implements Queue.
func (q *Messages) PutAll(header []byte, bodies [][]byte, room int64) (messages int, cost int64) {
	return q.waiting.putAll(header, bodies, room, q.origin)
}

// PutShared implements Queue: there is no frame to share.
func (q *Messages) PutShared(l *FrameLog) int { return q.Put(l.header, l.body, nil) }

// Pending implements Queue.
func (q *Messages) Pending() int { return q.waiting.len() }

// Drop implements Queue.
func (q *Messages) Drop() int { return q.waiting.drop() }

// Take implements Queue.
func (q *Messages) Take(c *Controls) bool {
	if !c.Empty() && !q.Midway() {
		q.controls = c.take()
	}
	if c.Empty() && len(q.flight.run) == 0 { // else messages would overtake events that were queued before
		q.flight = q.waiting.take()
	}
	return len(q.flight.run) > 0 || q.Midway()
}

// Midway implements Queue.
func (q *Messages) Midway() bool { return len(q.controls) > 0 }

// Controls takes the control events in flight out.
func (q *Messages) Controls() []wire.Control {
	events := q.controls
	q.controls = nil
	return events
}

// Flight is the messages in flight. They stay the queue's until Sent or Passed.
func (q *Messages) Flight() []msg.Message { return q.flight.run }

// FlightOf is the first messages in flight: of about n bytes, if all cost the same, and at least one, but no more than most.
func (q *Messages) FlightOf(n int64, most int) []msg.Message {
	if p := &q.flight; p.Cost > n {
		most = min(most, 1+int(n*int64(len(p.run))/p.Cost))
	}
	return q.flight.run[:min(len(q.flight.run), most)]
}

// Sent releases the first n messages in flight, which the link has taken, and returns their weight.
func (q *Messages) Sent(n int) Weight {
	gone := q.flight.Weight
	if n < len(q.flight.run) {
		gone = weigh(q.flight.run[:n])
	}
	msg.ReleaseAll(q.flight.run[:n])
	q.flight.run = q.flight.run[n:]
	q.flight.subtract(gone)
	return gone
}

// Passed removes the first n messages in flight, which have a new owner, and returns what they weighed. The remaining ones,
// mostly none, are weighed.
func (q *Messages) Passed(n int) Weight {
	gone := q.flight.Weight
	q.flight.run = q.flight.run[n:]
	q.flight.Weight = weigh(q.flight.run)
	gone.subtract(q.flight.Weight)
	return gone
}

// Unsent implements Queue.
func (q *Messages) Unsent() []msg.Message {
	unsent := append(clean(q.flight.run), clean(q.waiting.takeAll())...)
	q.flight = parcel{}
	q.waiting.reset()
	return unsent
}

// Discard implements Queue.
func (q *Messages) Discard() {
	msg.ReleaseAll(q.flight.run)
	q.flight, q.controls = parcel{}, nil
	q.waiting.reset()
}

// Idle implements Queue.
func (q *Messages) Idle() { q.waiting.idle() }
