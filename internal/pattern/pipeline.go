// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// Push sends each message to one of its pipes. What a dead pipe has not sent goes to another.
type Push struct {
	hello    transport.Hello
	balancer balancer
}

// NewPush returns the pattern.
func NewPush(hello transport.Hello, leastLoaded bool) *Push {
	return &Push{hello: hello, balancer: balancer{leastLoaded: leastLoaded}}
}

// NewConflatingPush returns a Push of whose messages the newest takes the place of those that wait.
func NewConflatingPush(hello transport.Hello) *Push {
	return &Push{hello: hello, balancer: balancer{conflate: true}}
}

// Send queues a copy of body, or the contents of m.
func (s *Push) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.balancer.send(ctx, true, body, m)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Push) TrySend(m *msg.Message) error {
	return s.balancer.send(context.Background(), false, nil, m)
}

// SendBatch queues the messages in order and returns how many were.
func (s *Push) SendBatch(ctx context.Context, ms []*msg.Message) (int, error) {
	return s.balancer.sendBatch(ctx, ms)
}

// Traits implements engine.Pattern.
func (s *Push) Traits() engine.Traits {
	return engine.Traits{Hello: s.hello, ReturnsUnsent: !s.balancer.conflate, FlushesEnded: s.balancer.conflate}
}

// Attach implements engine.Pattern.
func (s *Push) Attach(p *engine.Pipe) error { s.balancer.add(p); return nil }

// Detach implements engine.Pattern.
func (s *Push) Detach(p *engine.Pipe, unsent []msg.Message) { s.balancer.remove(p, unsent) }

// Receive implements engine.Pattern: a Pull sends nothing.
func (s *Push) Receive(p *engine.Pipe, run []msg.Message) int { return unwanted(p, run) }

// Writable implements engine.Pattern.
func (s *Push) Writable(p *engine.Pipe) { s.balancer.writable(p) }

// Refuse implements engine.Pattern.
func (s *Push) Refuse(err error) { s.balancer.refuse(err) }

// Pending implements engine.Pattern.
func (s *Push) Pending() int { return s.balancer.pending() }

// Close implements engine.Pattern.
func (s *Push) Close() int { return s.balancer.drop() }

// Pull receives from all its pipes in turn.
type Pull struct {
	keepsNothing
	receiver
	hello transport.Hello
}

// NewPull returns the pattern.
func NewPull(hello transport.Hello, o engine.Options) *Pull {
	return &Pull{receiver: newReceiver(o), hello: hello}
}

// NewConflatingPull returns a Pull that keeps the newest message of each pipe only.
func NewConflatingPull(hello transport.Hello) *Pull {
	return &Pull{receiver: newConflatingReceiver(), hello: hello}
}

// Traits implements engine.Pattern.
func (s *Pull) Traits() engine.Traits { return engine.Traits{Hello: s.hello} }

// Attach implements engine.Pattern.
func (s *Pull) Attach(p *engine.Pipe) error { s.attach(p); return nil }

// Detach implements engine.Pattern.
func (s *Pull) Detach(p *engine.Pipe, _ []msg.Message) { s.detach(p) }

// Receive implements engine.Pattern.
func (s *Pull) Receive(p *engine.Pipe, run []msg.Message) int { return s.receive(p, run) }

// Writable implements engine.Pattern.
func (s *Pull) Writable(*engine.Pipe) {}

// Drain implements engine.Drainer.
func (s *Pull) Drain(_ error, progress func()) { s.inbox.Drain(progress) }

// Refuse implements engine.Pattern.
func (s *Pull) Refuse(err error) { s.inbox.Close(err) }
