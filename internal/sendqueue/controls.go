// SPDX-License-Identifier: MIT

package sendqueue

import (
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/wire"
)

// maxControlBytes is the most that the waiting control events of a peer may cost. A Sub sends a new peer its topics from the
// set itself, so only topics that changed since then wait here: no program changes that many in the time that a connection
// takes to break.
const maxControlBytes = 128 << 20

const (
	controlCost    = 64       // of a waiting event, in addition to its data
	controlsAtOnce = 64 << 10 // bytes that are encoded, or handed over, before the next write
)

// A ControlSource produces control events, in order, when they can be written: about as many bytes as limit each time, but
// at least one event, and none when there are no more. It is called under the lock of the queue's owner.
type ControlSource func(limit int) []wire.Control

// Controls is the control events that wait to be written before messages that do. Of pings and of pongs, the newest is
// enough, and does not wait for others.
type Controls struct {
	ping, pong *wire.Control
	source     ControlSource // before events; nil = none, or none any more
	events     []wire.Control
	bytes      int64 // what events cost
	meter      budget.Meter

	Relieving atomic.Bool // a pipe is being shed because of these events
}

// NewControls returns an empty queue; the meter counts its events.
func NewControls(m budget.Meter) *Controls { return &Controls{meter: m} }

// Begin puts a source before the events: one at most.
func (q *Controls) Begin(s ControlSource) { q.source = s }

// Empty reports whether nothing waits. Nil is an empty queue.
func (q *Controls) Empty() bool {
	return q == nil || q.ping == nil && q.pong == nil && q.source == nil && len(q.events) == 0
}

// Add takes an event. It reports false if there is no room.
func (q *Controls) Add(c wire.Control) bool {
	switch c.Kind {
	case wire.ControlPing:
		q.ping = &c
		return true
	case wire.ControlPong:
		q.pong = &c
		return true
	}
	if q.bytes > maxControlBytes-controlCost-int64(len(c.Data)) {
		return false
	}
	q.bytes += controlCost + int64(len(c.Data))
	q.meter.Set(q.bytes)
	q.events = append(q.events, c)
	return true
}

// take takes the next events out, of about controlsAtOnce bytes.
func (q *Controls) take() (events []wire.Control) {
	for _, newest := range []**wire.Control{&q.pong, &q.ping} {
		if *newest != nil {
			events, *newest = append(events, **newest), nil
		}
	}
	if q.source != nil {
		more := q.source(controlsAtOnce)
		if len(more) > 0 {
			return append(events, more...)
		}
		q.source = nil
	}
	n, size := 0, 0
	for ; n < len(q.events) && size < controlsAtOnce; n++ {
		size += len(q.events[n].Data) + controlCost
	}
	q.bytes -= int64(size)
	q.meter.Set(q.bytes)
	events = append(events, q.events[:n]...)
	clear(q.events[:n])
	if q.events = q.events[n:]; len(q.events) == 0 {
		q.events = nil
	}
	return events
}

// Discard drops the waiting events.
func (q *Controls) Discard() {
	if q != nil {
		q.meter.Set(0)
	}
}
