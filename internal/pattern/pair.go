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
		if p.Local().Protocol == version1 {
			return firstHop
		}
		return nil
	}
}

// Pair talks with one peer at a time.
type Pair struct {
	keepsNothing
	receiver
	hello    transport.Hello
	balancer balancer // over no more than one pipe
}

// NewPair returns the pattern. version1 is the protocol whose messages have a hop count.
func NewPair(hello transport.Hello, version1 uint16, o engine.Options) *Pair {
	return &Pair{receiver: newReceiver(o), hello: hello, balancer: balancer{header: pairHeader(version1)}}
}

// Send queues a copy of body, or the contents of m.
func (s *Pair) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.balancer.send(ctx, true, body, m)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Pair) TrySend(m *msg.Message) error {
	return s.balancer.send(context.Background(), false, nil, m)
}

// SendBatch queues the messages in order and returns how many were.
func (s *Pair) SendBatch(ctx context.Context, ms []*msg.Message) (int, error) {
	return s.balancer.sendBatch(ctx, ms)
}

// Traits implements engine.Pattern.
func (s *Pair) Traits() engine.Traits { return engine.Traits{Hello: s.hello, FlushesEnded: true} }

// Attach implements engine.Pattern.
func (s *Pair) Attach(p *engine.Pipe) error {
	if err := s.balancer.addOnly(p); err != nil {
		return err
	}
	s.attach(p)
	return nil
}

// Detach implements engine.Pattern. What was not sent was meant for this peer and goes to no other.
func (s *Pair) Detach(p *engine.Pipe, _ []msg.Message) {
	s.detach(p)
	s.balancer.remove(p, nil)
}

// Receive implements engine.Pattern.
func (s *Pair) Receive(p *engine.Pipe, run []msg.Message) int { return s.receive(p, run) }

// Writable implements engine.Pattern.
func (s *Pair) Writable(p *engine.Pipe) { s.balancer.writable(p) }

// Refuse implements engine.Pattern.
func (s *Pair) Refuse(err error) {
	s.balancer.refuse(err)
	s.inbox.Close(err)
}

// Drain implements engine.Drainer.
func (s *Pair) Drain(err error, progress func()) {
	s.balancer.refuse(err)
	s.inbox.Drain(progress)
}

// PairPoly talks with several PAIR 1 peers, each message to the one that it names.
type PairPoly struct {
	keepsNothing
	receiver
	sender
	hello   transport.Hello
	header  func(p *engine.Pipe) []byte
	replies bool // what is sent answers what was received
}

// NewPairPoly returns the pattern.
func NewPairPoly(hello transport.Hello, version1 uint16, o engine.Options) *PairPoly {
	return &PairPoly{receiver: newReceiver(o), hello: hello, header: pairHeader(version1)}
}

// NewServer returns a PairPoly without headers that answers: nothing is received from a pipe whose peer does not read
// what it is sent.
func NewServer(hello transport.Hello, o engine.Options) *PairPoly {
	s := NewPairPoly(hello, 0, o) // a version that no pipe has
	s.replies = true
	return s
}

// SendTo queues a copy of body, or the contents of m, to this pipe, and waits while it has no room.
func (s *PairPoly) SendTo(ctx context.Context, p *engine.Pipe, body []byte, m *msg.Message) error {
	return s.sendTo(ctx, true, p, s.header(p), body, m)
}

// TrySendTo is SendTo of the contents of m, but fails where it would have to wait.
func (s *PairPoly) TrySendTo(p *engine.Pipe, m *msg.Message) error {
	return s.sendTo(context.Background(), false, p, s.header(p), nil, m)
}

// Traits implements engine.Pattern.
func (s *PairPoly) Traits() engine.Traits { return engine.Traits{Hello: s.hello, FlushesEnded: true} }

// Attach implements engine.Pattern.
func (s *PairPoly) Attach(p *engine.Pipe) error {
	s.attach(p)
	if s.replies {
		s.throttle(p)
	}
	return nil
}

// Detach implements engine.Pattern.
func (s *PairPoly) Detach(p *engine.Pipe, _ []msg.Message) {
	s.detach(p)
	s.wake()
}

// Receive implements engine.Pattern.
func (s *PairPoly) Receive(p *engine.Pipe, run []msg.Message) int { return s.receive(p, run) }

// Writable implements engine.Pattern.
func (s *PairPoly) Writable(*engine.Pipe) { s.wake() }

// Refuse implements engine.Pattern.
func (s *PairPoly) Refuse(err error) {
	s.refuse(err)
	s.inbox.Close(err)
}

// Drain implements engine.Drainer.
func (s *PairPoly) Drain(err error, progress func()) {
	s.refuse(err)
	s.inbox.Drain(progress)
}

// sendTo queues a message to one pipe and waits, if it may, while that has no room.
func (s *sender) sendTo(ctx context.Context, wait bool, p *engine.Pipe, header, body []byte, m *msg.Message) error {
	if p == nil {
		return engine.ErrNoPeer
	}
	if err := p.Unfit(engine.ShapeOf(header, body, m)); err != nil {
		return err
	}
	return s.do(ctx, wait, func() (bool, *engine.Pipe, error) {
		queued, mine := p.TryQueue(header, body, m)
		switch {
		case mine:
			return true, p, nil
		case !queued && p.Over():
			return false, nil, engine.ErrPipeClosed
		}
		return queued, nil, nil
	})
}
