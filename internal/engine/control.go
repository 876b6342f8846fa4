// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"errors"

	"github.com/sprymq/spry/internal/wire"
)

// maxControls is how many control events may wait for a peer that does not read. Nobody subscribes to as many topics
// within the time that a connection takes to break.
const maxControls = 4 << 20

var errControls = errors.New("the peer does not read, and too many subscriptions wait for it")

// A Controller is a pattern that peers tell something beside messages: subscriptions, or groups. Control is called by the
// pipe's reader, in the order of the stream; the data is only valid during the call.
type Controller interface{ Control(p *Pipe, c wire.Control) }

// Breach ends a pipe whose peer told the pattern something that breaks the protocol. It is not called under the pattern's
// lock.
func (p *Pipe) Breach(err *wire.ProtocolError) { p.end(err) }

// Controls reports whether the peer understands control events.
func (p *Pipe) Controls() bool { return p.session.Controls }

// TakesFrames reports whether messages to the peer may have several frames.
func (p *Pipe) TakesFrames() bool { return p.session.Frames }

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
	case len(o.controls) == maxControls:
		_ = p.scope.Go(func() { p.end(errControls) }) // not here, where the pattern's lock may be held
		return false
	}
	o.controls = append(o.controls, c)
	return o.claimLocked()
}

// control takes a control event of the peer.
func (p *Pipe) control(c wire.Control) {
	switch c.Kind {
	case wire.ControlPing:
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

// pong answers a ping. Of those that wait for the peer to read, one is enough.
func (p *Pipe) pong(c wire.Control) {
	p.out.mu.Lock()
	for i := range p.out.controls {
		if p.out.controls[i].Kind == wire.ControlPong {
			p.out.controls[i].Data = bytes.Clone(c.Data)
			p.out.mu.Unlock()
			return
		}
	}
	p.out.mu.Unlock()
	if p.QueueControl(wire.Control{Kind: wire.ControlPong, Data: c.Data}) {
		p.Write()
	}
}

// takeControlsLocked encodes what waits, to be written before the next message.
func (o *outbox) takeControlsLocked(f wire.Framing) (encoded []byte) {
	for _, c := range o.controls {
		encoded = f.(wire.Commander).AppendControl(encoded, c)
	}
	o.controls = nil
	return encoded
}
