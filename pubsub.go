// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"iter"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/pattern"
)

// PubOptions are the options of a [Pub].
type PubOptions struct {
	Options

	// Overflow is what happens to a message for a subscriber whose queue is full. Defaults to DropOldest.
	Overflow Overflow

	// TopicBytes limits the memory for the topics of all ZeroMQ peers, in bytes: a topic is charged its length and 40 bytes.
	// Beyond it, the peer with the most topics loses its pipe, which is counted under "topics". Defaults to 256 MiB;
	// negative means no limit.
	TopicBytes int64
}

// A Pub sends every message to all its subscribers, which are [Sub] sockets. A topic is a prefix of the body. Subscribers of
// the Scalability Protocols get everything and filter for themselves.
//
// A message goes to the subscribers that are connected when it is sent, as far as their queues have room; see
// [PubOptions].Overflow. Subscribers that connect later do not get it.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Pub struct {
	Socket
	toAll
	pattern *pattern.Pub
}

// NewPub returns a Pub without endpoints. o may be nil.
func NewPub(o *PubOptions) *Pub {
	if o == nil {
		o = new(PubOptions)
	}
	var p *pattern.Pub
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, _ engine.Options) engine.Pattern {
		if err := o.Overflow.check(true); err != nil {
			s.Break(err)
		}
		p = pattern.NewPub(s, ProtocolPub.hello(), engine.Overflow(o.Overflow), false)
		p.LimitTopics(o.TopicBytes)
		return p
	})
	c := newChain(core, o.Interceptors, false)
	return &Pub{Socket{core}, toAll{newSending(c, p.Send, nil, nil)}, p}
}

// WaitSubscribers waits until at least n subscribers may want messages that begin with topic, or until ctx ends.
// Subscribers of the Scalability Protocols do not send their topics, so each of them counts.
func (s *Pub) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return opErr("wait", s.pattern.WaitSubscribers(ctx, topic, n))
}

// SubOptions are the options of a [Sub].
type SubOptions struct {
	Options

	// Overflow is what happens to a message for a subscription whose queue is full. Defaults to DropOldest. With Block the
	// socket stops reading from that message's peer until there is room, which also delays that peer's messages for the
	// other subscriptions. The other policies delay no other subscription. Disconnect is refused.
	Overflow Overflow
}

// A Sub receives messages from its peers, which are [Pub] sockets, if they begin with one of its topics. It is itself a
// [Subscription]; Open adds further ones, with topics and queues of their own.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Sub struct {
	Socket
	receiving
	draining
	pattern *pattern.Sub
	chain   *intercept.Chain
}

// NewSub returns a Sub without endpoints and topics. o may be nil.
func NewSub(o *SubOptions) *Sub {
	if o == nil {
		o = new(SubOptions)
	}
	var p *pattern.Sub
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, eo engine.Options) engine.Pattern {
		if err := o.Overflow.check(false); err != nil {
			s.Break(err)
		}
		p = pattern.NewSub(ProtocolSub.hello(), eo, engine.Overflow(o.Overflow), false)
		return p
	})
	f, c := p.First(), newChain(core, o.Interceptors, false)
	return &Sub{Socket{core}, newReceiving(c, core, intercept.ReceiversOf(f), f), draining{core}, p, c}
}

// Subscribe adds prefixes: the socket receives messages that begin with one of them; the empty one matches all. A prefix
// that was added twice must be removed twice.
func (s *Sub) Subscribe(prefixes ...string) error {
	return opErr("subscribe", s.pattern.First().Subscribe(prefixes...))
}

// Unsubscribe removes prefixes. Queued messages stay. It fails with [ErrNotSubscribed] at the first prefix that was not
// subscribed to; the prefixes before it are removed.
func (s *Sub) Unsubscribe(prefixes ...string) error {
	return opErr("unsubscribe", s.pattern.First().Unsubscribe(prefixes...))
}

// Open adds a subscription with its own topics and queue. RecvQueue and RecvQueueBytes limit its queue for each peer, in
// addition to those of other subscriptions. On a closed socket, the subscription is closed.
func (s *Sub) Open(prefixes ...string) *Subscription {
	p := s.pattern.Open(prefixes...)
	return &Subscription{newReceiving(s.chain, s.core, intercept.ReceiversOf(p), p), p}
}

// A Subscription is a part of a [Sub]: a set of topics, and the queue of the messages that begin with one of them.
type Subscription struct {
	receiving
	pattern *pattern.Subscription
}

// Subscribe is Sub.Subscribe for this subscription.
func (s *Subscription) Subscribe(prefixes ...string) error {
	return opErr("subscribe", s.pattern.Subscribe(prefixes...))
}

// Unsubscribe is Sub.Unsubscribe for this subscription.
func (s *Subscription) Unsubscribe(prefixes ...string) error {
	return opErr("unsubscribe", s.pattern.Unsubscribe(prefixes...))
}

// Messages yields the subscription's messages, as Sub.Messages does, until it or its socket is closed.
func (s *Subscription) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return s.receiving.Messages(ctx)
}

// Close ends the subscription and returns nil. Its queued messages are dropped and counted under the reason closed. The
// socket and its other subscriptions continue.
func (s *Subscription) Close() error {
	s.pattern.Close()
	return nil
}
