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

// RouterOptions are the options of [NewRouter].
type RouterOptions struct {
	Options

	// Handover lets a new peer replace a connected one with the same identity: the older connection is closed. By default
	// the new peer is refused, counted under the reason "identity", logged and reported as an event.
	Handover bool

	// Mandatory makes sending wait while the queue of the peer is full, until ctx ends, as ZMQ_ROUTER_MANDATORY does.
	// Defaults to dropping the message, which is counted as overflow. An identity that no connected peer has is an error in
	// either case.
	Mandatory bool
}

// A Router sends each message to the peer that it names, and reports the sender of each message that it receives. Its peers
// are DEALER, REQ and ROUTER sockets.
//
// The first frame of every message, in both directions, is the peer's identity; it is not on the wire. A peer without an
// identity, or with one that begins with a zero byte, gets one of five bytes, the first of them zero, for the life of its
// connection.
//
// A message for a peer whose queue is full is dropped and counted as overflow, on the pipe of that peer, and sending it
// succeeds: a peer that does not read does not block the others. TrySendMsg fails with [spry.ErrWouldBlock] instead, and
// with Mandatory sending blocks. If no connected peer has the identity, sending fails with [spry.ErrNoPeer]; if the peer
// disconnects meanwhile, with [spry.ErrPipeClosed].
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Router struct {
	spry.Socket
	toNamed
	frameReceiver
	pattern *pattern.Router
	chain   *intercept.Chain
}

// NewRouter returns a Router without endpoints. o may be nil.
func NewRouter(o *RouterOptions) *Router {
	options := orZero(o)
	var p *pattern.Router
	core, d := openDraining(options.Options, func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewRouter(zmtp.Router.Hello(), eo, options.Handover)
		p.Mandatory = options.Mandatory
		return p
	})
	send := sender{
		send: func(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
			if m == nil {
				one := msg.Of(body)
				m = &one
			}
			return p.Send(ctx, wait, m)
		},
	}
	c := chain(core, options.Options, true)
	return &Router{core, toNamed{send.with(c)}, frameReceiver{newReceiver(c, d, shown{p})}, p, c}
}

// shown are the receiving verbs of a Router, whose messages begin with the identity of the peer that they came from.
type shown struct{ *pattern.Router }

func (r shown) Recv(ctx context.Context) (*msg.Message, error) {
	m, err := r.Router.Recv(ctx)
	return show(r.Router, m), err
}

func (r shown) TryRecv() (*msg.Message, error) {
	m, err := r.Router.TryRecv()
	return show(r.Router, m), err
}

func (r shown) RecvBatch(ctx context.Context, dst []*msg.Message) (int, error) {
	n, err := r.Router.RecvBatch(ctx, dst)
	for _, m := range dst[:n] {
		show(r.Router, m)
	}
	return n, err
}

func show(p *pattern.Router, m *msg.Message) *msg.Message {
	if m == nil {
		return nil
	}
	return p.Show(m)
}

// RecvFrom is Recv, but returns the peer's identity separately from the other frames. SendTo takes it to answer.
func (s *Router) RecvFrom(ctx context.Context) (from string, frames [][]byte, err error) {
	if frames, err = s.Recv(ctx); err != nil {
		return "", nil, err
	}
	return string(frames[0]), frames[1:], nil
}

// SendTo queues a message of copies of frames to the peer with this identity. If that peer's queue is full, the message is
// dropped and counted; with Mandatory, SendTo waits for room until ctx ends. It fails with [spry.ErrNoPeer] if no connected peer
// has the identity.
func (s *Router) SendTo(ctx context.Context, to string, frames ...[]byte) error {
	return sendFrames(frames, func(body []byte, m *msg.Message) error { return s.sendTo(ctx, true, to, body, m) })
}

// SendMsgTo is SendTo for the contents of m, which has no frame for the identity. Afterwards m is empty; on an error it is unchanged.
func (s *Router) SendMsgTo(ctx context.Context, to string, m *spry.Message) error {
	return s.sendTo(ctx, true, to, nil, inner(m))
}

// TrySendMsgTo is SendMsgTo, but fails with [spry.ErrWouldBlock] if that peer's queue is full, instead of dropping the message or
// waiting.
func (s *Router) TrySendMsgTo(to string, m *spry.Message) error {
	return s.sendTo(context.Background(), false, to, nil, inner(m))
}

func (s *Router) sendTo(ctx context.Context, wait bool, to string, body []byte, m *msg.Message) error {
	if s.chain == nil {
		return opErr("send", s.pattern.SendTo(ctx, wait, to, body, m))
	}
	return opErr("send", s.chain.SendOne(ctx, s.pattern.Peer(to), body, m, func(ctx context.Context, m *msg.Message) error {
		return s.pattern.SendTo(ctx, wait, to, nil, m)
	}))
}

// Pipe returns the pipe of the connected peer with this identity, or nil if there is none.
func (s *Router) Pipe(identity string) *spry.Pipe { return (*spry.Pipe)(s.pattern.Peer(identity)) }

// Identity returns the identity by which a [Router] addresses the peer of p: the peer's own, or the one that the Router gave it.
func Identity(p *spry.Pipe) string { return pattern.Identity((*engine.Pipe)(p)) }
