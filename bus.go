// SPDX-License-Identifier: MIT

package spry

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/pattern"
)

// BusOptions are the options of a [Bus].
type BusOptions struct {
	Options

	// Overflow is what happens to a message for a neighbour whose queue is full. Defaults to DropOldest.
	Overflow Overflow
}

// A Bus sends every message to all its direct neighbours, which are buses too, and receives from all of them. It forwards
// nothing and does not receive its own messages. Sending is best effort: see [BusOptions].Overflow. When its receive queue
// for a neighbour is full, it stops reading from that neighbour.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Bus struct {
	Socket
	toAll
	receiving
}

// NewBus returns a Bus without endpoints. o may be nil.
func NewBus(o *BusOptions) *Bus {
	if o == nil {
		o = new(BusOptions)
	}
	var p *pattern.Bus
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, _ engine.Options) engine.Pattern {
		if err := o.Overflow.check(true); err != nil {
			s.Break(err)
		}
		p = pattern.NewBus(s, ProtocolBus.hello(), engine.Overflow(o.Overflow))
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &Bus{Socket{core}, toAll{newSending(c, p.Send, nil, nil)}, newReceiving(c, core, intercept.ReceiversOf(p), p)}
}
