// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// PubOptions are the options of [NewPub].
type PubOptions struct {
	Options

	// Overflow is what happens to a message for a subscriber whose queue is full. Defaults to [spry.DropOldest].
	Overflow spry.Overflow

	// Conflate keeps only the newest message for each subscriber, whatever its topic: it replaces a waiting one, which is
	// counted as conflated. It overrides Overflow.
	Conflate bool

	// TopicBytes limits the memory for the topics of all peers, in bytes: a topic is charged its length and 40 bytes. Beyond
	// it, the peer with the most topics loses its pipe, which is counted under "topics". Defaults to 256 MiB; negative means
	// no limit. One peer may in any case have at most 1,048,576 topics, of 64 MiB together.
	TopicBytes int64
}

// A Pub sends each message to those of its peers, SUB and XSUB sockets, that subscribed to a prefix of its first frame.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Pub struct {
	spry.Socket
	framesToAll
	pattern *pattern.Pub
}

// NewPub returns a Pub without endpoints. o may be nil.
func NewPub(o *PubOptions) *Pub {
	options := orZero(o)
	var p *pattern.Pub
	core := open(options.Options, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewPub(s, zmtp.Pub.Hello(), overflow(s, options.Overflow, options.Conflate), false)
		p.LimitTopics(options.TopicBytes)
		return p
	})
	return &Pub{core, framesToAll{toAll{sender{send: p.Send}.with(chain(core, options.Options, true))}}, p}
}

// overflow checks a policy of sending.
func overflow(s *engine.Socket, o spry.Overflow, conflate bool) engine.Overflow {
	switch {
	case conflate:
		return engine.Conflate
	case o > spry.Disconnect:
		s.Break(fmt.Errorf("%w: Overflow %d is not possible here", spry.ErrConfig, o))
	}
	return engine.Overflow(o)
}

// WaitSubscribers waits until at least n connected peers have subscribed to topic or to a prefix of it, or until ctx ends.
func (s *Pub) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return opErr("wait", s.pattern.WaitSubscribers(ctx, topic, n))
}

// SubOptions are the options of [NewSub].
type SubOptions struct {
	Options

	// Overflow is what happens to a message when the queue of its pipe is full. Defaults to [spry.DropOldest].
	// [spry.Block] stops reading from the peer until there is room. [spry.Disconnect] is refused.
	Overflow spry.Overflow

	// Conflate keeps only the newest message of each pipe; older ones that were not delivered are counted as overflow. It
	// overrides Overflow.
	Conflate bool
}

// A Sub receives messages from its peers, PUB and XPUB sockets, if their first frame begins with one of its topics. A new
// Sub has no topics and receives nothing. The peers know the topics and send only what matches.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Sub struct {
	spry.Socket
	frameReceiver
	draining
	pattern *pattern.Sub
}

// NewSub returns a Sub without endpoints and topics. o may be nil.
func NewSub(o *SubOptions) *Sub {
	options := orZero(o)
	var p *pattern.Sub
	core, d := openDraining(options.Options, func(s *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewSub(zmtp.Sub.Hello(), eo, recvOverflow(s, options.Overflow, options.Conflate), false)
		return p
	})
	f := p.First()
	return &Sub{core, frameReceiver{newReceiver(chain(core, options.Options, true), d, f)}, d, p}
}

// recvOverflow checks a policy of receiving.
func recvOverflow(s *engine.Socket, o spry.Overflow, conflate bool) engine.Overflow {
	if o >= spry.Disconnect {
		s.Break(fmt.Errorf("%w: Overflow %d is not possible here", spry.ErrConfig, o))
	}
	if conflate {
		return engine.Conflate
	}
	return engine.Overflow(o)
}

// Subscribe adds topics, which are prefixes of first frames; the empty one matches all. It does not wait for the peers. A
// topic must be removed as often as it was added.
func (s *Sub) Subscribe(prefixes ...string) error {
	return opErr("subscribe", s.pattern.First().Subscribe(prefixes...))
}

// Unsubscribe removes topics. Messages that are queued already stay. At the first unknown topic it fails with
// [spry.ErrNotSubscribed], and keeps the topics after it.
func (s *Sub) Unsubscribe(prefixes ...string) error {
	return opErr("unsubscribe", s.pattern.First().Unsubscribe(prefixes...))
}
