// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Router sends each message to the peer that it names, and reports the sender of each message that it receives.
//
// A peer is named by its identity, or else by a zero byte and the id of its pipe. An identity must not begin with a zero
// byte: a peer that claims such a name could be mistaken for another.
type Router struct {
	sides
	receiver
	*sender
	handover bool

	// Mandatory, set before the first pipe is attached, has sending wait for room. Otherwise a message for a full queue
	// is dropped and counted.
	Mandatory bool

	peers map[string]*engine.Pipe // by identity; under sender.mu
}

// NewRouter returns the pattern. With handover, a new peer that calls itself as a live one does takes its place; otherwise
// it is refused.
func NewRouter(hello transport.Hello, o engine.Options, handover bool) *Router {
	in, out := newReceiver(o, false), new(sender)
	return &Router{
		sides: newSides(hello, in, out), receiver: in, sender: out,
		handover: handover, peers: make(map[string]*engine.Pipe),
	}
}

// Identity is the name of a pipe's peer.
func Identity(p *engine.Pipe) string {
	if own := p.Session().Metadata["Identity"]; own != "" && own[0] != 0 {
		return own
	}
	return string(binary.BigEndian.AppendUint32([]byte{0}, p.ID()))
}

// Peer is the pipe of the peer with this identity, or nil.
func (s *Router) Peer(identity string) *engine.Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[identity]
}

// SendTo queues a copy of body, or the contents of m, to the peer with this identity. Where the queue of that peer is
// full, it drops the message, unless Mandatory is set. With wait false it fails instead, in either case.
func (s *Router) SendTo(ctx context.Context, wait bool, identity string, body []byte, m *msg.Message) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	p := s.Peer(identity)
	if p == nil {
		return cmp.Or(s.refusal(), fmt.Errorf("%w: no connected peer has identity %q", engine.ErrNoPeer, identity))
	}
	err := s.sendTo(ctx, wait && s.Mandatory, p, nil, body, m)
	if wait && !s.Mandatory && errors.Is(err, engine.ErrWouldBlock) {
		p.RefuseN(reasons.Overflow, 1)
		if m != nil {
			m.Release()
		}
		return nil
	}
	return err
}

// Send queues the contents of m, without the first frame, to the peer with that frame as its identity.
func (s *Router) Send(ctx context.Context, wait bool, m *msg.Message) error {
	identity := m.Body()
	if !m.Multipart() {
		return errNoIdentity
	}
	rest := m.Clone()
	rest.Reframe(nil, nil, 1)
	err := s.SendTo(ctx, wait, string(identity), nil, rest)
	if rest.Release(); err == nil {
		m.Release()
	}
	return err
}

var errNoIdentity = fmt.Errorf("%w: the first frame of a message must be the identity of its peer", engine.ErrNoPeer)

// Show puts the identity of the peer that a received message came from in front of it.
func (s *Router) Show(m *msg.Message) *msg.Message {
	if p := engine.PipeOf(m); p != nil {
		m.Reframe(nil, [][]byte{[]byte(Identity(p))}, 0)
	}
	return m
}

// Unreceive puts a message that Show has had back to the front of its queue, as it was.
func (s *Router) Unreceive(m *msg.Message) {
	m.Reframe(nil, nil, 1)
	s.receiver.Unreceive(m)
}

// Attach implements engine.Pattern.
func (s *Router) Attach(p *engine.Pipe) error {
	identity := Identity(p)
	s.mu.Lock()
	old := s.peers[identity]
	if old != nil && !s.handover {
		s.mu.Unlock()
		return wire.Errorf(reasons.Identity, "peer calls itself %q, as a live one does: give each its own identity, or set Handover", identity)
	}
	s.peers[identity] = p
	s.mu.Unlock()
	err := s.sides.Attach(p)
	if old != nil {
		old.Close(engine.ErrClosed)
	}
	return err
}

// Detach implements engine.Pattern.
func (s *Router) Detach(p *engine.Pipe, unsent []msg.Message) {
	identity := Identity(p)
	s.mu.Lock()
	if s.peers[identity] == p { // else another has taken its place
		delete(s.peers, identity)
	}
	s.mu.Unlock()
	s.sides.Detach(p, unsent)
}
