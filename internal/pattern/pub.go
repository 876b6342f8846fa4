// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Pub sends every message to all its pipes. Peers that tell their topics get what they want; subscribers of the
// Scalability Protocols get everything and filter for themselves.
type Pub struct {
	keepsNothing
	hello  transport.Hello
	socket *engine.Socket
	fanout *fanout
	groups bool // peers name groups, which the first frame of a message is, instead of prefixes of it
}

// NewPub returns the pattern.
func NewPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Pub {
	return &Pub{hello: hello, socket: s, fanout: newFanout(s, overflow)}
}

// NewRadio returns a Pub whose messages are for groups.
func NewRadio(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Pub {
	p := NewPub(s, hello, overflow)
	p.groups = true
	return p
}

// LimitTopics sets how much the topics of all peers may be charged, in bytes: 0 is [DefaultTopicBytes], and less is no
// limit. It is called before the socket has pipes.
func (s *Pub) LimitTopics(n int64) { s.fanout.limitTopics(n) }

// Send queues a copy of body, or the contents of m, to every pipe.
func (s *Pub) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.fanout.send(ctx, true, nil, body, m, nil, nil)
}

// TrySend is Send, but fails where it would have to wait.
func (s *Pub) TrySend(m *msg.Message) error {
	return s.fanout.send(context.Background(), false, nil, nil, m, nil, nil)
}

// Traits implements engine.Pattern.
func (s *Pub) Traits() engine.Traits { return engine.Traits{Hello: s.hello, FlushesEnded: true} }

// Attach implements engine.Pattern.
func (s *Pub) Attach(p *engine.Pipe) error {
	if p.Controls() {
		p.State = &filter{topics: topics{exact: s.groups}, meter: p.NewMeter()}
	}
	s.fanout.add(p)
	return nil
}

// Control implements engine.Controller.
func (s *Pub) Control(p *engine.Pipe, c wire.Control) {
	if t := filterOf(p); t != nil {
		s.fanout.subscribed(t, c, nil).end(p)
	}
	s.socket.Changed()
}

// WaitSubscribers waits until at least n pipes may want what begins with topic.
func (s *Pub) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return s.fanout.waitSubscribers(ctx, s.socket, topic, n)
}

// Detach implements engine.Pattern.
func (s *Pub) Detach(p *engine.Pipe, _ []msg.Message) { s.fanout.remove(p) }

// Receive implements engine.Pattern: a Sub sends nothing.
func (s *Pub) Receive(p *engine.Pipe, run []msg.Message) int { return unwanted(p, run) }

// Writable implements engine.Pattern.
func (s *Pub) Writable(*engine.Pipe) { s.fanout.wake() }

// Refuse implements engine.Pattern.
func (s *Pub) Refuse(err error) { s.fanout.refuse(err) }
