// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// XPub is a Pub that says what its peers subscribe to, and receives what they send beside that.
type XPub struct {
	keepsNothing
	receiver
	hello   transport.Hello
	socket  *engine.Socket
	fanout  fanout
	welcome *msg.Message // sent to every new peer; nil = none
	last    *lastValues  // nil = none are kept

	all     topics // of all peers; under fanout.mu
	changes changes
}

// An xpubPeer is what an XPub knows of a pipe.
type xpubPeer struct {
	topics      // under fanout.mu
	gone   bool // under fanout.mu: its reader may still be at work
	source *queue.Source
}

// NewXPub returns the pattern. Every new peer is sent welcome, unless that is nil, and every new subscription the last
// message of up to keep topics that it wants.
func NewXPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow, welcome *msg.Message, keep int) *XPub {
	x := &XPub{receiver: newReceiver(s.Options()), hello: hello, socket: s, fanout: newFanout(s, overflow), welcome: welcome}
	if keep > 0 {
		x.last = newLastValues(keep)
	}
	x.inbox.First(x.nextChange)
	return x
}

// What a message begins with that is a subscription, or the end of one.
const (
	subscribePrefix = 1
	cancelPrefix    = 0
)

// nextChange is the next change as a message.
func (s *XPub) nextChange() *msg.Message {
	v, ok := s.changes.take()
	if !ok {
		return nil
	}
	prefix := byte(cancelPrefix)
	if v.Wanted {
		prefix = subscribePrefix
	}
	m := msg.Of(append([]byte{prefix}, v.Topic...))
	return &m
}

// Next waits for the next change of what peers subscribe to. Messages of peers are left alone.
func (s *XPub) Next(ctx context.Context) (Change, error) { return s.changes.next(ctx) }

// Send queues a copy of body, or the contents of m, to every pipe that wants it.
func (s *XPub) Send(ctx context.Context, body []byte, m *msg.Message) error {
	return s.send(ctx, true, body, m)
}

// TrySend is Send, but fails where it would have to wait.
func (s *XPub) TrySend(m *msg.Message) error { return s.send(context.Background(), false, nil, m) }

func (s *XPub) send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	if s.last == nil {
		return s.fanout.send(ctx, wait, nil, body, m, nil, nil)
	}
	if m == nil {
		own := msg.Of(append([]byte(nil), body...))
		m = &own
	}
	kept := m.Clone()
	stored := false
	err := s.fanout.send(ctx, wait, nil, nil, m, nil, func([]*engine.Pipe) {
		s.last.put(kept)
		stored = true
	})
	if !stored {
		kept.Release()
	}
	return err
}

// WaitSubscribers waits until at least n pipes may want what begins with topic.
func (s *XPub) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return s.fanout.waitSubscribers(ctx, s.socket, topic, n)
}

// Traits implements engine.Pattern.
func (s *XPub) Traits() engine.Traits { return engine.Traits{Hello: s.hello} }

// Attach implements engine.Pattern.
func (s *XPub) Attach(p *engine.Pipe) error {
	p.State = &xpubPeer{source: p.NewSource(s.inbox)}
	s.fanout.add(p)
	if s.welcome != nil {
		p.Offer(nil, nil, s.welcome.Clone(), nil, engine.DropNewest) // written when the pipe is attached
	}
	return nil
}

// Control implements engine.Controller: the topics of a peer are a set, however often it asks for one.
func (s *XPub) Control(p *engine.Pipe, c wire.Control) {
	peer, topic, write, full := p.State.(*xpubPeer), string(c.Data), false, false
	s.fanout.mu.Lock()
	switch {
	case peer.gone:
	case c.Kind == wire.ControlSubscribe && !peer.has(topic):
		if full = !peer.addOnce(topic); full {
			break
		}
		if s.all.add(topic) {
			s.changes.add(topic, true)
		}
		if s.last != nil {
			write = s.last.offer(p, topic)
		}
	case c.Kind == wire.ControlCancel:
		s.forgetLocked(peer, topic)
	}
	s.fanout.credit = credit{} // another pipe may be one to wait for
	s.fanout.mu.Unlock()
	if write {
		p.Write()
	}
	if full {
		tooManyTopics(p)
	}
	s.inbox.Look()
	s.socket.Changed()
}

func (s *XPub) forgetLocked(peer *xpubPeer, topic string) {
	if was, _ := peer.remove(topic); !was {
		return
	}
	if _, last := s.all.remove(topic); last {
		s.changes.add(topic, false)
	}
}

// Detach implements engine.Pattern.
func (s *XPub) Detach(p *engine.Pipe, _ []msg.Message) {
	s.fanout.remove(p)
	peer := p.State.(*xpubPeer)
	s.fanout.mu.Lock()
	peer.gone = true
	for topic := range peer.counts {
		s.forgetLocked(peer, topic)
	}
	s.fanout.mu.Unlock()
	s.inbox.Look()
}

// Receive implements engine.Pattern.
func (s *XPub) Receive(p *engine.Pipe, run []msg.Message) int {
	return p.State.(*xpubPeer).source.Put(run)
}

// Writable implements engine.Pattern.
func (s *XPub) Writable(*engine.Pipe) { s.fanout.wake() }

// Refuse implements engine.Pattern.
func (s *XPub) Refuse(err error) {
	s.fanout.refuse(err)
	s.changes.close(err)
	s.inbox.Close(err)
}

// Close implements engine.Pattern.
func (s *XPub) Close() int {
	if s.last != nil {
		s.last.clear()
	}
	return 0
}
