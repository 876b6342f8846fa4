// SPDX-License-Identifier: MIT

package zmq

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// DealerOptions are the options of [NewDealer].
type DealerOptions struct {
	Options

	// Conflate keeps only the newest message of each pipe and direction. A message to be sent replaces a waiting one, which
	// is counted as conflated. A received message replaces one that was not delivered, which is counted as overflow.
	Conflate bool
}

// A Dealer sends each message to one of its peers, in turn, and receives from all of them, fairly. Its peers are ROUTER,
// REP and DEALER sockets. To talk to REP, messages begin with an empty frame, and so do those that come back.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Dealer struct {
	spry.Socket
	framesToOne
	frameReceiver
}

// NewDealer returns a Dealer without endpoints. o may be nil.
func NewDealer(o *DealerOptions) *Dealer {
	options := orZero(o)
	core, s, r := newDealer(options.Options, zmtp.Dealer, options.Conflate, nil)
	return &Dealer{core, framesToOne{toOne{s}}, frameReceiver{r}}
}

// A Client sends each message to one of its SERVER peers, in turn, and receives from all of them, fairly. Messages have one
// frame. It is a draft of ZeroMQ's (RFC 41).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Client struct {
	spry.Socket
	bodyToOne
	bodyReceiver
}

// NewClient returns a Client without endpoints. o may be nil.
func NewClient(o *Options) *Client {
	core, s, r := newDealer(orZero(o), zmtp.Client, false, single)
	return &Client{core, bodyToOne{toOne{s}}, bodyReceiver{r}}
}

func newDealer(o Options, kind zmtp.Socket, conflate bool, check func(*msg.Message) error) (spry.Socket, sender, receiver) {
	var p *pattern.Dealer
	core, d := openDraining(o, func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewDealer(kind.Hello(), eo, conflate)
		return p
	})
	c := chain(core, o, kind == zmtp.Dealer)
	return core, sender{send: p.Send, sendMany: p.SendBatch, sendAll: p.SendBodies, check: check}.with(c), newReceiver(c, d, p)
}
