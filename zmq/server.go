// SPDX-License-Identifier: MIT

package zmq

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// directed is what sockets share that send each message to the pipe that it is for.
type directed struct {
	spry.Socket
	bodyReceiver
	pattern *pattern.PairPoly
	chain   *intercept.Chain
}

func newDirected(o Options, bind func(eo engine.Options) *pattern.PairPoly) directed {
	var p *pattern.PairPoly
	core, d := openDraining(o, func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = bind(eo)
		return p
	})
	c := chain(core, o, false)
	return directed{core, bodyReceiver{newReceiver(c, d, p)}, p, c}
}

// RecvFrom is Recv, but also returns the pipe that the message came from. SendTo takes it to answer.
func (s *directed) RecvFrom(ctx context.Context) (from *spry.Pipe, body []byte, err error) {
	m, err := s.RecvMsg(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer m.Release()
	return m.Pipe(), m.Detach(), nil
}

// SendTo queues a copy of body to the peer of this pipe: the Pipe of a message that came from it. It blocks while that
// pipe's queue is full, until ctx ends. If the peer has disconnected, it fails with [spry.ErrPipeClosed]. A pipe of another
// socket, or nil, fails with [spry.ErrNoPeer].
func (s *directed) SendTo(ctx context.Context, to *spry.Pipe, body []byte) error {
	return s.sendTo(ctx, true, to, body, nil)
}

// SendMsgTo is SendTo for the contents of m. Afterwards m is empty; on an error it is unchanged. It fails with [ErrFrames] if m
// has several frames.
func (s *directed) SendMsgTo(ctx context.Context, to *spry.Pipe, m *spry.Message) error {
	return s.sendTo(ctx, true, to, nil, inner(m))
}

// TrySendMsgTo is SendMsgTo, but fails with [spry.ErrWouldBlock] if that pipe's queue is full.
func (s *directed) TrySendMsgTo(to *spry.Pipe, m *spry.Message) error {
	return s.sendTo(context.Background(), false, to, nil, inner(m))
}

func (s *directed) sendTo(ctx context.Context, wait bool, to *spry.Pipe, body []byte, m *msg.Message) error {
	p, err := s.mine(to)
	switch {
	case err != nil:
	case s.chain == nil:
		err = s.sendSingle(ctx, wait, p, body, m)
	default:
		err = s.chain.SendOne(ctx, p, body, m, func(ctx context.Context, m *msg.Message) error {
			return s.sendSingle(ctx, wait, p, nil, m)
		})
	}
	return opErr("send", err)
}

func (s *directed) sendSingle(ctx context.Context, wait bool, p *engine.Pipe, body []byte, m *msg.Message) error {
	if m != nil {
		if err := single(m); err != nil {
			return err
		}
	}
	return s.pattern.SendTo(ctx, wait, p, body, m)
}

// mine returns a pipe of this socket, whether it lives or not.
func (s *directed) mine(to *spry.Pipe) (*engine.Pipe, error) {
	p := (*engine.Pipe)(to)
	if p == nil || p.Socket().Pattern() != engine.Pattern(s.pattern) {
		return nil, spry.ErrNoPeer
	}
	return p, nil
}

// A Server receives from its CLIENT peers, fairly, and sends each message to the one that SendTo names: the [spry.Pipe] that a
// message came from. Messages have one frame. It is a draft of ZeroMQ's (RFC 41).
//
// While the Server's queue for a client is more than half full, it receives nothing more from that client. A program that
// answers each message as it comes therefore never waits for a client that does not read.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Server struct{ directed }

// NewServer returns a Server without endpoints. o may be nil.
func NewServer(o *Options) *Server {
	return &Server{newDirected(orZero(o), func(eo engine.Options) *pattern.PairPoly {
		return pattern.NewServer(zmtp.Server.Hello(), eo)
	})}
}

// A Peer is to other PEER sockets what a [Server] is to clients. Unlike a Server, it also receives from a peer whose queue is
// full, because both ends may send much. SendTo then blocks; a program that serves several peers in one loop uses TrySendMsgTo.
// It is a draft of ZeroMQ's (RFC 51).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Peer struct{ directed }

// NewPeer returns a Peer without endpoints. o may be nil.
func NewPeer(o *Options) *Peer {
	return &Peer{newDirected(orZero(o), func(eo engine.Options) *pattern.PairPoly {
		return pattern.NewPairPoly(zmtp.Peer.Hello(), 0, eo) // a version that no pipe has: there is no hop count
	})}
}
