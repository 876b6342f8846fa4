// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// Dealer sends each message to one of its pipes, and receives from all of them in turn. What a dead pipe has not sent goes
// to another.
type Dealer struct {
	receiver
	hello    transport.Hello
	balancer balancer
}

// NewDealer returns the pattern.
func NewDealer(hello transport.Hello, o engine.Options) *Dealer {
	return &Dealer{receiver: newReceiver(o), hello: hello}
}

// NewConflatingDealer returns a Dealer that keeps the newest message of each direction only.
func NewConflatingDealer(hello transport.Hello) *Dealer {
	return &Dealer{receiver: newConflatingReceiver(), hello: hello, balancer: balancer{conflate: true}}
}

// Send queues a copy of body, or the contents of m.
func (s *Dealer) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.balancer.send(ctx, true, body, m)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Dealer) TrySend(m *msg.Message) error {
	return s.balancer.send(context.Background(), false, nil, m)
}

// SendBatch queues the messages in order and returns how many were.
func (s *Dealer) SendBatch(ctx context.Context, ms []*msg.Message) (int, error) {
	return s.balancer.sendBatch(ctx, ms)
}

// Traits implements engine.Pattern.
func (s *Dealer) Traits() engine.Traits {
	return engine.Traits{Hello: s.hello, ReturnsUnsent: !s.balancer.conflate, FlushesEnded: s.balancer.conflate}
}

// Attach implements engine.Pattern.
func (s *Dealer) Attach(p *engine.Pipe) error {
	s.attach(p)
	s.balancer.add(p)
	return nil
}

// Detach implements engine.Pattern.
func (s *Dealer) Detach(p *engine.Pipe, unsent []msg.Message) {
	s.detach(p)
	s.balancer.remove(p, unsent)
}

// Receive implements engine.Pattern.
func (s *Dealer) Receive(p *engine.Pipe, run []msg.Message) int { return s.receive(p, run) }

// Writable implements engine.Pattern.
func (s *Dealer) Writable(p *engine.Pipe) { s.balancer.writable(p) }

// Refuse implements engine.Pattern.
func (s *Dealer) Refuse(err error) {
	s.balancer.refuse(err)
	s.inbox.Close(err)
}

// Pending implements engine.Pattern.
func (s *Dealer) Pending() int { return s.balancer.pending() }

// Close implements engine.Pattern.
func (s *Dealer) Close() int { return s.balancer.drop() }
