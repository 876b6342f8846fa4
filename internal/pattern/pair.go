// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// firstHop is the routing header of a PAIR 1 message that begins its way.
var firstHop = []byte{0, 0, 0, 1}

// pairHeader is the routing header of a message to this peer. PAIR 0 has none.
func pairHeader(version1 uint16) func(p *engine.Pipe) []byte {
	return func(p *engine.Pipe) []byte {
		if p.Session().Local.Protocol == version1 {
			return firstHop
		}
		return nil
	}
}

// Pair talks with one peer at a time. Its unsent messages were meant for this peer and go to no other.
type Pair struct {
	sides
	receiver
	*balancer
}

// NewPair returns the pattern. version1 is the protocol with a hop count. adaptive are the protocols of a listener for peers
// that hello does not suit.
func NewPair(hello transport.Hello, version1 uint16, o engine.Options, adaptive ...transport.Hello) *Pair {
	in, out := newReceiver(o, false), &balancer{single: true, header: pairHeader(version1)}
	s := &Pair{newSides(hello, in, out), in, out}
	s.traits.Alternatives, s.traits.Reliable, s.traits.Ordered = adaptive, true, true
	return s
}

// PairPoly talks with several PAIR 1 peers, each message to the one that it names.
type PairPoly struct {
	sides
	receiver
	*sender
	header func(p *engine.Pipe) []byte
}

// NewPairPoly returns the pattern.
func NewPairPoly(hello transport.Hello, version1 uint16, o engine.Options) *PairPoly {
	in, out := newReceiver(o, false), new(sender)
	s := &PairPoly{newSides(hello, in, out), in, out, pairHeader(version1)}
	s.traits.Reliable, s.traits.Ordered = true, true
	return s
}

// NewServer returns a PairPoly without headers that answers: it receives nothing from a peer that does not read its answers.
func NewServer(hello transport.Hello, o engine.Options) *PairPoly {
	s := NewPairPoly(hello, 0, o) // a version that no pipe has
	s.traits.Replies = true
	return s
}

// SendTo queues a copy of body, or the contents of m, to this pipe, and waits, if it may, while that has no room.
func (s *PairPoly) SendTo(ctx context.Context, wait bool, p *engine.Pipe, body []byte, m *msg.Message) error {
	return s.sendTo(ctx, wait, p, s.header(p), body, m)
}
