// SPDX-License-Identifier: MIT

package pattern

import (
	"container/list"
	"context"
	"math"
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// XPub is a Pub that reports the subscriptions of its peers, and receives their other messages.
type XPub struct {
	sides
	receiver
	*fanout
	welcome *msg.Message // sent to every new peer; nil = none
	last    *lastValues  // under fanout.mu; nil = none are kept
	visited atomic.Int64 // last values that replays have visited

	mu      lock.Mutex[lock.XPub] // after a filter's, before fanout.mu
	all     topics                // of all peers; under mu
	changes changes
}

// An xpubPeer is what an XPub knows of a pipe.
type xpubPeer struct {
	filter
	source  *queue.Source
	visited uint64 // last values that were visited for the peer; of its reader
}

// xpubTopic is the cost of a topic in an XPub in addition to its place in the peer's set: a place in the set of all, and a
// change that the application has not received yet.
const xpubTopic = topicNode + 64

// NewXPub returns the pattern. Every new peer is sent welcome, unless that is nil, and every new subscription the last
// message of up to keep topics that it wants.
func NewXPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow, welcome *msg.Message, keep int) *XPub {
	in, out := newReceiver(s.Options(), false), newFanout(s, overflow)
	x := &XPub{sides: newSides(hello, in, out), receiver: in, fanout: out, welcome: welcome}
	if keep > 0 {
		x.last = newLastValues(keep)
		x.last.meter = s.NewMeter()
	}
	x.changes.meter = s.NewMeter()
	x.First(x.nextChange)
	return x
}

// LimitLastValues sets how much last values may be charged, in bytes: 0 is [DefaultLastValueBytes], and less is no limit. It
// is called before anything is sent.
func (s *XPub) LimitLastValues(n int64) {
	switch {
	case s.last == nil || n == 0:
	case n < 0:
		s.last.limit = math.MaxInt64
	default:
		s.last.limit = n
	}
}

// The first byte of a message that is a subscription, or the end of one.
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

// Unreceive puts back a message, or a change, that was received and that the application has not seen. A change and its opposite, which
// came meanwhile, cancel each other out.
func (s *XPub) Unreceive(m *msg.Message) {
	if engine.PipeOf(m) != nil {
		s.receiver.Unreceive(m)
		return
	}
	s.changes.add(string(m.Body()[1:]), m.Body()[0] == subscribePrefix)
	m.Release()
	s.Look()
}

// Next waits for the next change of the peers' subscriptions. Messages of peers stay queued.
func (s *XPub) Next(ctx context.Context) (Change, error) { return s.changes.next(ctx) }

// Send queues a copy of body, or the contents of m, to every pipe that wants it. With wait false it fails where it would have to
// wait.
func (s *XPub) Send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	if s.last == nil {
		return s.fanout.Send(ctx, wait, body, m)
	}
	if m == nil {
		own := msg.Of(append([]byte(nil), body...))
		m = &own
	}
	kept := m.Clone()
	stored := false
	err := s.fanout.send(ctx, wait, nil, nil, m, nil, func([]*engine.Pipe) {
		s.last.put(kept, s.fanout.sent)
		stored = true
	})
	if !stored {
		kept.Release()
	}
	return err
}

// Attach implements engine.Pattern.
func (s *XPub) Attach(p *engine.Pipe) error {
	p.SetState(&xpubPeer{filter: filter{extra: xpubTopic, meter: p.NewMeter()}, source: p.NewSource(s.Inbox)})
	err := s.fanout.add(p)
	if s.welcome != nil {
		p.Offer(nil, nil, s.welcome.Clone(), nil, engine.DropNewest) // written when the pipe is attached
	}
	return err
}

// Control implements engine.Controller: the topics of a peer are a set, however often it asks for one.
func (s *XPub) Control(p *engine.Pipe, c wire.Control) {
	peer := p.State().(*xpubPeer)
	done := s.fanout.subscribed(&peer.filter, c, s.changed)
	done.end(p)
	if done.added && s.last != nil {
		replay{s, p, peer, done.topic}.run()
	}
	s.Look()
	s.socket.Changed()
}

// changed counts a change of one peer's topics in the set of all.
func (s *XPub) changed(c change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.added && s.all.add(c.topic) {
		s.changes.add(c.topic, true)
	}
	if c.removed {
		s.forgetLocked(c.topic)
	}
}

func (s *XPub) forgetLocked(topic string) {
	if _, last := s.all.remove(topic); last {
		s.changes.add(topic, false)
	}
}

// Detach implements engine.Pattern.
func (s *XPub) Detach(p *engine.Pipe, _ []msg.Message) {
	s.fanout.leave(p, func(topic string) {
		s.mu.Lock()
		s.forgetLocked(topic)
		s.mu.Unlock()
	})
	s.Look()
}

// Receive implements engine.Pattern.
func (s *XPub) Receive(p *engine.Pipe, run []msg.Message) int {
	return p.State().(*xpubPeer).source.Put(run)
}

// Refuse implements engine.Pattern.
func (s *XPub) Refuse(err error) {
	s.sides.Refuse(err)
	s.changes.close(err)
}

// Close implements engine.Pattern.
func (s *XPub) Close() int {
	if s.last != nil {
		s.fanout.mu.Lock()
		s.last.clear()
		s.fanout.mu.Unlock()
	}
	return 0
}

// A Change is a topic that has got its first subscriber, or has lost its last one.
type Change struct {
	Topic  string
	Wanted bool
}

// changes are the changes that the application has not received yet, in order. A topic has at most one: a subscription that
// was removed before it was received is left out. So there are never more changes than topics, now or at the last call.
type changes struct {
	mu      lock.Mutex[lock.Changes]
	order   list.List // of Change
	pending map[string]*list.Element
	waiters queue.Waiters
	err     error
	gone    int64 // the cost of changes of topics without subscribers: no peer is charged for them
	meter   budget.Meter
}

// changeCost is the memory of a change in addition to its topic, in bytes.
const changeCost = 128

func (c *changes) add(topic string, wanted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if e := c.pending[topic]; e != nil { // which is the opposite
		c.removeLocked(e)
		return
	}
	if c.pending == nil {
		c.pending = make(map[string]*list.Element)
	}
	c.pending[topic] = c.order.PushBack(Change{topic, wanted})
	if !wanted {
		c.chargeLocked(changeCost + len(topic))
	}
	c.waiters.Wake(1)
}

// take returns the next one, if there is one.
func (c *changes) take() (v Change, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeLocked()
}

func (c *changes) takeLocked() (v Change, ok bool) {
	e := c.order.Front()
	if e == nil {
		return Change{}, false
	}
	return c.removeLocked(e), true
}

func (c *changes) removeLocked(e *list.Element) Change {
	v := c.order.Remove(e).(Change)
	if !v.Wanted {
		c.chargeLocked(-changeCost - len(v.Topic))
	}
	if delete(c.pending, v.Topic); len(c.pending) == 0 {
		c.pending = nil // an empty map keeps the memory of a full one
	}
	return v
}

func (c *changes) chargeLocked(n int) {
	c.gone += int64(n)
	c.meter.Set(c.gone)
}

// next waits for the next one.
func (c *changes) next(ctx context.Context) (Change, error) {
	if err := scope.Ended(ctx); err != nil {
		return Change{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if v, ok := c.takeLocked(); ok {
			return v, nil
		}
		if c.err != nil {
			return Change{}, c.err
		}
		if err := c.waiters.Wait(ctx, &c.mu); err != nil {
			return Change{}, err
		}
	}
}

func (c *changes) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.order.Init()
	c.pending = nil
	c.gone = 0
	c.meter.Set(0)
	c.waiters.WakeAll()
}
