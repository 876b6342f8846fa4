// SPDX-License-Identifier: MIT

package pattern

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// XSub sends its topics to its peers, receives everything that they send, and can send to them.
type XSub struct {
	sides
	receiver
	*fanout
	wanted topics // under fanout.mu
}

// NewXSub returns the pattern.
func NewXSub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *XSub {
	in, out := newReceiver(s.Options(), false), newFanout(s, overflow)
	x := &XSub{receiver: in, fanout: out}
	x.sides = newSides(hello, in, x)
	return x
}

// Subscribe adds topics. Each addition must be removed by one Unsubscribe.
func (s *XSub) Subscribe(prefixes ...string) error {
	return changeTopics(&s.mu, &s.err, prefixes, func(t string) ([]engine.PendingWrite, error) {
		if !s.wanted.add(t) {
			return nil, nil
		}
		return s.announceLocked(wire.ControlSubscribe, t), nil
	})
}

// Unsubscribe takes topics back.
func (s *XSub) Unsubscribe(prefixes ...string) error {
	return changeTopics(&s.mu, &s.err, prefixes, func(t string) ([]engine.PendingWrite, error) {
		switch was, last := s.wanted.remove(t); {
		case !was:
			return nil, ErrNotSubscribed
		case last:
			return s.announceLocked(wire.ControlCancel, t), nil
		}
		return nil, nil
	})
}

// announceLocked queues a change of topics to every peer.
func (s *XSub) announceLocked(kind wire.ControlKind, topic string) (writes []engine.PendingWrite) {
	for _, p := range s.plain.list {
		writes = append(writes, p.QueueControl(wire.Control{Kind: kind, Data: []byte(topic)}))
	}
	return writes
}

// Send queues a copy of body, or the contents of m, to every pipe. A message of one frame that begins with 1 or 0 is a
// subscription or the end of one: peers would take it for that.
func (s *XSub) Send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	first := body
	if m != nil {
		first = m.Body()
	}
	if len(first) == 0 || first[0] > subscribePrefix || m != nil && m.Multipart() {
		return s.fanout.Send(ctx, wait, body, m)
	}
	var err error
	if topic := string(first[1:]); first[0] == subscribePrefix {
		err = s.Subscribe(topic)
	} else {
		err = s.Unsubscribe(topic)
	}
	if err == nil && m != nil {
		m.Release()
	}
	return err
}

// add makes a pipe a member, and sends its peer the current topics.
func (s *XSub) add(p *engine.Pipe) error {
	s.mu.Lock()
	p.QueueControls(s.wanted.events(wire.ControlSubscribe)) // written when the pipe is attached
	s.addLocked(p)
	s.mu.Unlock()
	return nil
}
