// SPDX-License-Identifier: MIT

package spry

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/pattern"
)

// PushOptions are the options of a [Push].
type PushOptions struct {
	Options

	// LeastLoaded sends each message to the pipe with the shortest queue. By default pipes take turns.
	LeastLoaded bool
}

// A Push sends each message to one of its peers, which are [Pull] sockets: it distributes work. Peers take turns; peers with
// a full queue are skipped. While all queues are full, or no peer is connected, sending blocks.
//
// Messages that a pipe has not sent when it ends go to another pipe, before any new one. Messages that were written to the
// operating system are lost if the connection breaks before the peer has read them.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Push struct {
	Socket
	toOne
}

// NewPush returns a Push without endpoints. o may be nil.
func NewPush(o *PushOptions) *Push {
	if o == nil {
		o = new(PushOptions)
	}
	var p *pattern.Push
	core := engine.NewSocket(o.engineOptions(), func(*engine.Socket, engine.Options) engine.Pattern {
		p = pattern.NewPush(ProtocolPush.hello(), o.LeastLoaded, false)
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &Push{Socket{core}, toOne{newSending(c, p.Send, p.SendBatch, p.SendBodies)}}
}

// PullOptions are the options of a [Pull].
type PullOptions struct{ Options }

// A Pull receives from its peers, which are [Push] sockets, in turn. When its queue for a peer is full it stops reading from
// that peer, which then sends elsewhere or blocks.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Pull struct {
	Socket
	receiving
	draining
}

// NewPull returns a Pull without endpoints. o may be nil.
func NewPull(o *PullOptions) *Pull {
	if o == nil {
		o = new(PullOptions)
	}
	var p *pattern.Pull
	core := engine.NewSocket(o.engineOptions(), func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewPull(ProtocolPull.hello(), eo, false)
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &Pull{Socket{core}, newReceiving(c, core, intercept.ReceiversOf(p), p), draining{core}}
}
