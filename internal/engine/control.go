// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"errors"
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/wire"
)

// maxControlBytes is what the control events that wait for a peer may cost. A Sub tells a new peer its topics from the set
// itself, so that what waits here are topics that came and went since: nobody changes as many within the time that a
// connection takes to break.
const maxControlBytes = 128 << 20

const (
	controlCost    = 64       // of an event that waits, beside its data
	controlsAtOnce = 64 << 10 // bytes that are encoded, or handed over, before the next write
)

var errControls = errors.New("the peer does not read, and too many subscriptions wait for it")

// A ControlSource produces control events, in order, when they can be written: about as many bytes as limit each time, but
// at least one event, and none when there are no more. It is called under the outbox's lock.
type ControlSource func(limit int) []wire.Control

// controlQueue is the control events that wait to be written before messages that do. Of pings and of pongs, the newest is
// enough, and does not wait for others.
type controlQueue struct {
	ping, pong *wire.Control
	source     ControlSource // before events; nil = none, or none any more
	events     []wire.Control
	bytes      int64 // what events cost
	meter      budget.Meter
	relieving  atomic.Bool // somebody is being shed because of this queue
}

func (q *controlQueue) empty() bool {
	return q == nil || q.ping == nil && q.pong == nil && q.source == nil && len(q.events) == 0
}

// add takes an event. It reports false if there is no room.
func (q *controlQueue) add(c wire.Control) bool {
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
func (q *controlQueue) take() (events []wire.Control) {
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

// discard drops what waits.
func (q *controlQueue) discard() {
	if q != nil {
		q.meter.Set(0)
	}
}

// A Controller is a pattern that peers tell something beside messages: subscriptions, or groups. Control is called by the
// pipe's reader, in the order of the stream; the data is only valid during the call.
type Controller interface{ Control(p *Pipe, c wire.Control) }

// Breach ends a pipe whose peer told the pattern something that breaks the protocol. It is not called under the pattern's
// lock.
func (p *Pipe) Breach(err *wire.ProtocolError) { p.end(err) }

// Controls reports whether the peer understands control events.
func (p *Pipe) Controls() bool { return p.session.Commander != nil }

// TakesFrames reports whether messages to the peer may have several frames.
func (p *Pipe) TakesFrames() bool { return p.session.Multipart != nil }

// QueueControl queues a control event, whose data is not kept. If write is true, the caller has the writer's role and calls
// Write when it has released its locks. Peers of dialects without control events are not told.
func (p *Pipe) QueueControl(c wire.Control) (write bool) {
	if !p.Controls() {
		return false
	}
	c.Data = bytes.Clone(c.Data)
	o := &p.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.shut:
		return false
	case !p.controlsLocked().add(c):
		_ = p.scope.Go(func() { p.end(errControls) }) // not here, where the pattern's lock may be held
		return false
	}
	if c.Kind != wire.ControlPing && c.Kind != wire.ControlPong {
		p.relieveLater(o.controls)
	}
	return o.claimLocked()
}

// relieveLater has those shed that have most if the budget is exceeded, which is not done here, where locks are held.
func (p *Pipe) relieveLater(q *controlQueue) {
	if p.account.Budget().Exceeded() && q.relieving.CompareAndSwap(false, true) {
		_ = p.scope.Go(func() {
			p.Relieve()
			q.relieving.Store(false)
		})
	}
}

// QueueControls queues the control events of a source, of which a pipe has one at most; nil is none. It is for Attach, after
// which they are written.
func (p *Pipe) QueueControls(source ControlSource) {
	if source == nil || !p.Controls() {
		return
	}
	p.out.mu.Lock()
	p.controlsLocked().source = source
	p.out.mu.Unlock()
}

// controlsLocked is the queue of control events, which most pipes have no use for. It is called under the outbox's lock.
func (p *Pipe) controlsLocked() *controlQueue {
	if p.out.controls == nil {
		p.out.controls = &controlQueue{meter: p.account.NewMeter()}
	}
	return p.out.controls
}

// control takes a control event of the peer.
func (p *Pipe) control(c wire.Control) {
	switch c.Kind {
	case wire.ControlPing:
		if h := p.heartbeat.Load(); h != nil {
			h.heard(c.TTL)
		}
		p.pong(c)
	case wire.ControlPong: // that something came is all there is to know
	case wire.ControlDropped:
		p.DropN(DropEnvelope, 1)
	case wire.ControlError:
		p.setErr(wire.Errorf(wire.ReasonPeerError, "peer gave up and said %.64q", c.Data))
	default:
		if pattern, ok := p.socket.pattern.(Controller); ok {
			pattern.Control(p, c)
		}
	}
}

// pong answers a ping. Of those that wait for the peer to read, the newest is enough.
func (p *Pipe) pong(c wire.Control) {
	if p.QueueControl(wire.Control{Kind: wire.ControlPong, Data: c.Data}) {
		p.Write()
	}
}

// takeControlsLocked takes control events out that are to be written, or handed over, before the next message.
func (o *outbox) takeControlsLocked() (events []wire.Control) {
	if !o.controls.empty() {
		events = o.controls.take()
	}
	if o.controls.empty() {
		o.controls = nil
	}
	return events
}
