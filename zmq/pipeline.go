// SPDX-License-Identifier: MIT

package zmq

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// PushOptions are the options of [NewPush].
type PushOptions struct {
	Options

	// LeastLoaded sends each message to the pipe with the shortest queue. By default pipes take turns.
	LeastLoaded bool

	// Conflate keeps only the newest message of each pipe: it replaces a waiting one, which is counted as conflated. When a
	// connection breaks, its queued message is dropped.
	Conflate bool
}

// A Push sends each message to one of its PULL peers. Peers take turns; peers with a full queue are skipped.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Push struct {
	spry.Socket
	framesToOne
}

// NewPush returns a Push without endpoints. o may be nil.
func NewPush(o *PushOptions) *Push {
	options := orZero(o)
	p := pattern.NewPush(zmtp.Push.Hello(), options.LeastLoaded, options.Conflate)
	core := open(options.Options, func(*engine.Socket, engine.Options) engine.Pattern { return p })
	s := sender{send: p.Send, sendMany: p.SendBatch}
	return &Push{core, framesToOne{toOne{s.with(chain(core, options.Options, true))}}}
}

// PullOptions are the options of [NewPull].
type PullOptions struct {
	Options

	// Conflate keeps only the newest message of each pipe; older ones that were not delivered are counted as overflow.
	Conflate bool
}

// A Pull receives from all its PUSH peers, fairly.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Pull struct {
	spry.Socket
	frameReceiver
	draining
}

// NewPull returns a Pull without endpoints. o may be nil.
func NewPull(o *PullOptions) *Pull {
	options := orZero(o)
	var p *pattern.Pull
	core, drain := openDraining(options.Options, func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewPull(zmtp.Pull.Hello(), eo, options.Conflate)
		return p
	})
	return &Pull{core, frameReceiver{newReceiver(chain(core, options.Options, true), drain, p)}, drain}
}

// A Scatter is a [Push] whose messages have one frame, and whose peers are GATHER sockets. It is a draft of ZeroMQ's (RFC 49).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Scatter struct {
	spry.Socket
	bodyToOne
}

// NewScatter returns a Scatter without endpoints. o may be nil.
func NewScatter(o *Options) *Scatter {
	p := pattern.NewPush(zmtp.Scatter.Hello(), false, false)
	core := open(orZero(o), func(*engine.Socket, engine.Options) engine.Pattern { return p })
	s := sender{send: p.Send, sendMany: p.SendBatch, sendAll: p.SendBodies, check: single}
	return &Scatter{core, bodyToOne{toOne{s.with(chain(core, orZero(o), false))}}}
}

// A Gather is a [Pull] whose messages have one frame, and whose peers are SCATTER sockets. It is a draft of ZeroMQ's (RFC 49).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Gather struct {
	spry.Socket
	bodyReceiver
	draining
}

// NewGather returns a Gather without endpoints. o may be nil.
func NewGather(o *Options) *Gather {
	var p *pattern.Pull
	core, drain := openDraining(orZero(o), func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewPull(zmtp.Gather.Hello(), eo, false)
		return p
	})
	return &Gather{core, bodyReceiver{newReceiver(chain(core, orZero(o), false), drain, p)}, drain}
}
