// SPDX-License-Identifier: MIT

package engine

import "github.com/sprymq/spry/internal/msg"

// A sendQueue holds the messages of one pipe, unencoded, until its link has taken them whole: those that are pending, and
// those in flight, which a write has begun with. It is the part of a [carrier] that must lose nothing.
type sendQueue struct {
	waiting packets
	flight  parcel
}

// put adds a message behind all others and returns its cost. See [packets.put].
func (q *sendQueue) put(header, body []byte, m *msg.Message, origin *msg.Origin) int {
	return q.waiting.put(header, body, m, origin)
}

// pending is the number of messages that are not in flight.
func (q *sendQueue) pending() int { return q.waiting.len() }

// drop releases the first pending message and returns its cost.
func (q *sendQueue) drop() int { return q.waiting.drop() }

// take makes pending messages those in flight, if none are. It reports whether any are in flight.
func (q *sendQueue) take() bool {
	if len(q.flight.run) == 0 {
		q.flight = q.waiting.take()
	}
	return len(q.flight.run) > 0
}

// sent releases the first n messages in flight, which the link has taken, and returns their cost.
func (q *sendQueue) sent(n int) int64 {
	gone := q.flight.weight
	if n < len(q.flight.run) {
		gone = weigh(q.flight.run[:n])
	}
	msg.ReleaseAll(q.flight.run[:n])
	q.flight.run = q.flight.run[n:]
	q.flight.subtract(gone)
	return gone.cost
}

// left takes the first n messages in flight out, which somebody else has now. What is left is weighed: mostly nothing.
func (q *sendQueue) left(n int) {
	q.flight.run = q.flight.run[n:]
	q.flight.weight = weigh(q.flight.run)
}

// unsent empties the queue and returns its messages, in order, without routing headers and origins.
func (q *sendQueue) unsent() []msg.Message {
	unsent := append(clean(q.flight.run), clean(q.waiting.takeAll())...)
	q.flight = parcel{}
	q.waiting.reset()
	return unsent
}

// discard releases every message.
func (q *sendQueue) discard() {
	msg.ReleaseAll(q.flight.run)
	q.flight = parcel{}
	q.waiting.reset()
}

// idle gives memory back that a quiet link does not need.
func (q *sendQueue) idle() { q.waiting.idle() }
