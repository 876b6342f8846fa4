// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"errors"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
)

var errControls = errors.New("the peer does not read, and too many subscriptions wait for it")

// A Controller is a pattern that handles control events of its peers: subscriptions, or groups. Control is called by the
// pipe's reader, in the order of the stream; the data is only valid during the call.
type Controller interface{ Control(p *Pipe, c wire.Control) }

// QueueControl queues a control event and does not keep its data. For dialects without control events it does nothing.
func (p *Pipe) QueueControl(c wire.Control) (w PendingWrite) {
	if p.session.Commander == nil {
		return w
	}
	c.Data = bytes.Clone(c.Data)
	o := &p.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.open():
		return w
	case !p.controlsLocked().Add(c):
		_ = p.scope.Go(func() { p.end(errControls) }) // not here, where the pattern's lock may be held
		return w
	}
	if c.Kind != wire.ControlPing && c.Kind != wire.ControlPong {
		p.relieveLater(o.controls)
	}
	return p.claimLocked()
}

// relieveLater has those shed that have most if the budget is exceeded, which is not done here, where locks are held.
func (p *Pipe) relieveLater(q *sendqueue.Controls) {
	if p.account.Budget().Exceeded() && q.Relieving.CompareAndSwap(false, true) {
		_ = p.scope.Go(func() {
			p.Relieve()
			q.Relieving.Store(false)
		})
	}
}

// QueueControls queues the control events of a source; nil is none. A pipe has at most one source. Attach calls it, and the
// events are written afterwards.
func (p *Pipe) QueueControls(source sendqueue.ControlSource) {
	if source == nil || p.session.Commander == nil {
		return
	}
	p.out.mu.Lock()
	p.controlsLocked().Begin(source)
	p.out.mu.Unlock()
}

// controlsLocked is the queue of control events, which most pipes have no use for. It is called under the outbox's lock.
func (p *Pipe) controlsLocked() *sendqueue.Controls {
	if p.out.controls == nil {
		p.out.controls = sendqueue.NewControls(p.account.NewMeter())
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
	case wire.ControlPong:
		if h := p.heartbeat.Load(); h != nil {
			h.answered()
		}
	case wire.ControlDropped:
		p.DropN(reasons.Envelope, 1)
	case wire.ControlError:
		p.setErr(wire.Errorf(reasons.PeerError, "peer gave up and said %.64q", c.Data))
	default:
		if pattern, ok := p.socket.pattern.(Controller); ok {
			pattern.Control(p, c)
		}
	}
}

// pong answers a ping. If the peer does not read, only the newest pong waits.
func (p *Pipe) pong(c wire.Control) {
	p.QueueControl(wire.Control{Kind: wire.ControlPong, Data: c.Data}).Write()
}
