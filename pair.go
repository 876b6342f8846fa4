// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"fmt"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// PairOptions are the options of a [Pair].
type PairOptions struct {
	Options

	// V0 makes the socket speak version 0 of the protocol only, for dialing peers that know no other, such as those of
	// nanomsg. Defaults to false: version 1, which has a hop count in every message. A listening [Pair] then accepts both.
	V0 bool
}

// A Pair talks with one peer, another pair socket, in both directions. A second peer is refused while there is one.
//
// Messages that were not sent when the connection ends are dropped and counted: they were meant for that peer. When the
// receive queue is full, the socket stops reading.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Pair struct {
	Socket
	toOne
	receiving
	draining
}

// NewPair returns a Pair without endpoints. o may be nil.
func NewPair(o *PairOptions) *Pair {
	if o == nil {
		o = new(PairOptions)
	}
	var p *pattern.Pair
	core := engine.NewSocket(o.engineOptions(), func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		hello, adaptive := ProtocolPair0.hello(), []transport.Hello(nil)
		if !o.V0 {
			hello, adaptive = ProtocolPair1.hello(), []transport.Hello{hello}
		}
		p = pattern.NewPair(hello, sp.Pair1, eo, adaptive...)
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &Pair{Socket{core}, toOne{newSending(c, p.Send, p.SendBatch, p.SendBodies)}, newReceiving(c, core, intercept.ReceiversOf(p), p), draining{core}}
}

// A PairPoly talks with any number of peers, PAIR 1 sockets; to each it looks like a pair. Every message is sent to a given
// pipe, and [Message.Pipe] is the pipe of a received one.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type PairPoly struct {
	Socket
	receiving
	draining
	pattern *pattern.PairPoly
	chain   *intercept.Chain
}

// NewPairPoly returns a PairPoly without endpoints. o may be nil; its V0 must be false.
func NewPairPoly(o *PairOptions) *PairPoly {
	if o == nil {
		o = new(PairOptions)
	}
	var p *pattern.PairPoly
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, eo engine.Options) engine.Pattern {
		if o.V0 {
			s.Break(fmt.Errorf("%w: a PairPoly has no V0: it speaks version 1 of the protocol", ErrConfig))
		}
		p = pattern.NewPairPoly(ProtocolPair1.hello(), sp.Pair1, eo)
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &PairPoly{Socket{core}, newReceiving(c, core, intercept.ReceiversOf(p), p), draining{core}, p, c}
}

// RecvFrom is Recv, and also returns the pipe that the message came from. Pass it to SendTo to answer.
func (s *PairPoly) RecvFrom(ctx context.Context) (from *Pipe, body []byte, err error) {
	m, err := s.RecvMsg(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer m.Release()
	return m.Pipe(), m.Detach(), nil
}

// SendTo queues a copy of body to the peer of a pipe of this socket, such as the Pipe of a received message. It blocks while
// the pipe's queue is full, until ctx ends. It fails with [ErrPipeClosed] if the pipe has ended, and with [ErrNoPeer] if it is
// nil or another socket's.
func (s *PairPoly) SendTo(ctx context.Context, to *Pipe, body []byte) error {
	return s.sendTo(ctx, true, to, body, nil)
}

// SendMsgTo is SendTo for the contents of m. Afterwards m is empty; on an error it is unchanged.
func (s *PairPoly) SendMsgTo(ctx context.Context, to *Pipe, m *Message) error {
	return s.sendTo(ctx, true, to, nil, m.inner())
}

// TrySendMsgTo is SendMsgTo, but fails with [ErrWouldBlock] where that would wait. A program that serves several peers in one
// loop uses it, so that a peer that does not read does not stop the others.
func (s *PairPoly) TrySendMsgTo(to *Pipe, m *Message) error {
	return s.sendTo(context.Background(), false, to, nil, m.inner())
}

func (s *PairPoly) sendTo(ctx context.Context, wait bool, to *Pipe, body []byte, m *msg.Message) error {
	if to == nil || to.inner().Socket() != s.core {
		return opErr("send", ErrNoPeer)
	}
	if s.chain == nil {
		return opErr("send", s.pattern.SendTo(ctx, wait, to.inner(), body, m))
	}
	return opErr("send", s.chain.SendOne(ctx, to.inner(), body, m, func(ctx context.Context, m *msg.Message) error {
		return s.pattern.SendTo(ctx, wait, to.inner(), nil, m)
	}))
}
