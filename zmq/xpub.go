// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"iter"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// XPubOptions are the options of [NewXPub].
type XPubOptions struct {
	Options

	// Overflow is what happens to a message for a subscriber whose queue is full. Defaults to [spry.DropOldest].
	Overflow spry.Overflow

	// Welcome, if not empty, are the frames of the first message to every new peer, whatever it subscribes to. SUB sockets
	// filter again: their programs see it only if they subscribed to its first frame. The frames are copied.
	Welcome [][]byte

	// LastValues is the maximum number of topics whose latest message is kept. A topic is the complete first frame. Beyond
	// the maximum, the topic without a message for the longest time is removed. Defaults to none.
	//
	// A new subscription receives the kept messages that it matches, the oldest first, as far as its peer's queue has room;
	// the rest is counted as overflow. If a topic gets a new message meanwhile, the subscriber receives that one. A peer
	// receives at most as many kept messages as it reads, and twice LastValues more; further subscriptions receive none.
	LastValues int

	// LastValueBytes limits the memory of the latest messages, in bytes: each is charged the memory that it keeps, its
	// topic, and 128 bytes. Beyond it, the topic without a message for the longest time is removed; a message that is too
	// large by itself is not kept. While the [spry.Budget] has no room, a new message replaces the oldest ones. Defaults to
	// 64 MiB; negative means no limit.
	LastValueBytes int64

	// TopicBytes limits the memory for the topics of all peers, in bytes: a topic is charged its length and 144 bytes.
	// Beyond it, the peer with the most topics loses its pipe, which is counted under "topics". Defaults to 256 MiB;
	// negative means no limit. One peer may in any case have at most 1,048,576 topics, of 64 MiB together.
	TopicBytes int64
}

// An XPub is a [Pub] that reports the subscriptions of its peers, and receives messages from XSUB peers.
//
// It also receives subscriptions, each as a message of one frame. The frame is a byte 1 and a topic that has got its first
// subscriber, or a byte 0 and a topic that has lost its last one. A subscription that ended before it was received is left
// out. [XPub.Subscriptions] returns them apart from the other messages.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type XPub struct {
	spry.Socket
	framesToAll
	frameReceiver
	pattern *pattern.XPub
}

// NewXPub returns an XPub without endpoints. o may be nil.
func NewXPub(o *XPubOptions) *XPub {
	options := orZero(o)
	var welcome *msg.Message
	if len(options.Welcome) > 0 {
		m := msg.OfFrames(copyFrames(options.Welcome))
		welcome = &m
	}
	var p *pattern.XPub
	core, d := openDraining(options.Options, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewXPub(s, zmtp.XPub.Hello(), overflow(s, options.Overflow, false), welcome, options.LastValues)
		p.LimitTopics(options.TopicBytes)
		p.LimitLastValues(options.LastValueBytes)
		return p
	})
	c := chain(core, options.Options, true)
	return &XPub{core, framesToAll{toAll{sender{send: p.Send}.with(c)}}, frameReceiver{newReceiver(c, d, p)}, p}
}

// WaitSubscribers waits until at least n connected peers have subscribed to topic or to a prefix of it, or until ctx ends.
func (s *XPub) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return opErr("wait", s.pattern.WaitSubscribers(ctx, topic, n))
}

// A SubscriptionChange is a topic that has got its first subscriber or, if Cancelled is set, has lost its last one.
type SubscriptionChange struct {
	Topic     string // of the subscriptions; "" is everything
	Cancelled bool   // no subscriber has it any more
}

// Subscriptions yields subscriptions until the socket is closed or the loop ends. If ctx ends it yields ctx's error, once.
// Each subscription is either yielded here or received by Recv, whichever comes first.
func (s *XPub) Subscriptions(ctx context.Context) iter.Seq2[SubscriptionChange, error] {
	return each(ctx, func(ctx context.Context) (SubscriptionChange, error) {
		c, err := s.pattern.Next(ctx)
		return SubscriptionChange{Topic: c.Topic, Cancelled: !c.Wanted}, opErr("recv", err)
	})
}

// XSubOptions are the options of [NewXSub].
type XSubOptions struct {
	Options

	// Overflow is what happens to a message for a peer whose queue is full. Defaults to [spry.DropOldest].
	Overflow spry.Overflow
}

// An XSub is a [Sub] that receives whatever its peers send, without a filter of its own, and can send messages to XPUB peers.
//
// A message of one frame that begins with a byte 1 or 0 is not sent: it subscribes to the topic in the rest of the frame, or
// unsubscribes from it. So what an XPub receives can be sent on unchanged. Unsubscribing from an unknown topic fails with
// [spry.ErrNotSubscribed].
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type XSub struct {
	spry.Socket
	framesToAll
	frameReceiver
	draining
	pattern *pattern.XSub
}

// NewXSub returns an XSub without endpoints and topics. o may be nil.
func NewXSub(o *XSubOptions) *XSub {
	options := orZero(o)
	var p *pattern.XSub
	core, d := openDraining(options.Options, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewXSub(s, zmtp.XSub.Hello(), overflow(s, options.Overflow, false))
		return p
	})
	c := chain(core, options.Options, true)
	return &XSub{core, framesToAll{toAll{sender{send: p.Send}.with(c)}}, frameReceiver{newReceiver(c, d, p)}, d, p}
}

// Subscribe adds topics, which are prefixes of first frames; the empty one matches all. It does not wait for the peers. A
// topic must be removed as often as it was added.
func (s *XSub) Subscribe(prefixes ...string) error {
	return opErr("subscribe", s.pattern.Subscribe(prefixes...))
}

// Unsubscribe removes topics. Messages that are queued already stay. At the first unknown topic it fails with
// [spry.ErrNotSubscribed], and keeps the topics after it.
func (s *XSub) Unsubscribe(prefixes ...string) error {
	return opErr("unsubscribe", s.pattern.Unsubscribe(prefixes...))
}
