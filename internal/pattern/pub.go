// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// Pub sends every message to all its pipes; subscribers of the Scalability Protocols filter for themselves.
type Pub struct {
	keepsNothing
	hello  transport.Hello
	fanout fanout
}

// NewPub returns the pattern.
func NewPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Pub {
	return &Pub{hello: hello, fanout: newFanout(s, overflow)}
}

// Send queues a copy of body, or the contents of m, to every pipe.
func (s *Pub) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.fanout.send(ctx, true, nil, body, m, nil, nil)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Pub) TrySend(m *msg.Message) error {
	return s.fanout.send(context.Background(), false, nil, nil, m, nil, nil)
}

// Traits implements engine.Pattern.
func (s *Pub) Traits() engine.Traits { return engine.Traits{Hello: s.hello} }

// Attach implements engine.Pattern.
func (s *Pub) Attach(p *engine.Pipe) error { s.fanout.add(p); return nil }

// Detach implements engine.Pattern.
func (s *Pub) Detach(p *engine.Pipe, _ []msg.Message) { s.fanout.remove(p) }

// Receive implements engine.Pattern: a Sub sends nothing.
func (s *Pub) Receive(p *engine.Pipe, run []msg.Message) int { return unwanted(p, run) }

// Writable implements engine.Pattern.
func (s *Pub) Writable(*engine.Pipe) { s.fanout.wake() }

// Refuse implements engine.Pattern.
func (s *Pub) Refuse(err error) { s.fanout.refuse(err) }
