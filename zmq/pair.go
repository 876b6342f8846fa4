// SPDX-License-Identifier: MIT

package zmq

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// A Pair talks with one PAIR peer at a time. While it has one, others are refused.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Pair struct {
	spry.Socket
	framesToOne
	frameReceiver
	draining
}

// NewPair returns a Pair without endpoints. o may be nil.
func NewPair(o *Options) *Pair {
	core, d, s, r := newPair(orZero(o), zmtp.Pair, nil)
	return &Pair{core, framesToOne{toOne{s}}, frameReceiver{r}, d}
}

// A Channel is a [Pair] whose messages have one frame, and whose peer is a CHANNEL socket. It is a draft of ZeroMQ's (RFC 52).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Channel struct {
	spry.Socket
	bodyToOne
	bodyReceiver
	draining
}

// NewChannel returns a Channel without endpoints. o may be nil.
func NewChannel(o *Options) *Channel {
	core, d, s, r := newPair(orZero(o), zmtp.Channel, single)
	return &Channel{core, bodyToOne{toOne{s}}, bodyReceiver{r}, d}
}

func newPair(o Options, kind zmtp.Socket, check func(*msg.Message) error) (spry.Socket, draining, sender, receiver) {
	var p *pattern.Pair
	core, d := openDraining(o, func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewPair(kind.Hello(), 0, eo) // which no pipe has: there is no hop count
		return p
	})
	c := chain(core, o, kind == zmtp.Pair)
	return core, d, sender{send: p.Send, sendMany: p.SendBatch, sendAll: p.SendBodies, check: check}.with(c), newReceiver(c, d, p)
}
