// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// Bus sends every message to all its direct neighbours and receives from all of them.
type Bus struct {
	keepsNothing
	receiver
	hello  transport.Hello
	fanout *fanout
}

// NewBus returns the pattern.
func NewBus(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Bus {
	return &Bus{receiver: newReceiver(s.Options()), hello: hello, fanout: newFanout(s, overflow)}
}

// Send queues a copy of body, or the contents of m, to every neighbour.
func (s *Bus) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.fanout.send(ctx, true, nil, body, m, nil, nil)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Bus) TrySend(m *msg.Message) error {
	return s.fanout.send(context.Background(), false, nil, nil, m, nil, nil)
}

// Traits implements engine.Pattern.
func (s *Bus) Traits() engine.Traits { return engine.Traits{Hello: s.hello, FlushesEnded: true} }

// Attach implements engine.Pattern.
func (s *Bus) Attach(p *engine.Pipe) error {
	s.attach(p)
	s.fanout.add(p)
	return nil
}

// Detach implements engine.Pattern.
func (s *Bus) Detach(p *engine.Pipe, _ []msg.Message) {
	s.detach(p)
	s.fanout.remove(p)
}

// Receive implements engine.Pattern.
func (s *Bus) Receive(p *engine.Pipe, run []msg.Message) int { return s.receive(p, run) }

// Writable implements engine.Pattern.
func (s *Bus) Writable(*engine.Pipe) { s.fanout.wake() }

// Refuse implements engine.Pattern.
func (s *Bus) Refuse(err error) {
	s.fanout.refuse(err)
	s.inbox.Close(err)
}
