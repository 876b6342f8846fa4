// SPDX-License-Identifier: MIT

package zmq

import (
	"bytes"
	"context"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// maxGroup is the longest name of a group, in bytes.
const maxGroup = 255

// checkGroup reports what is wrong with the name of a group.
func checkGroup(group []byte) error {
	if len(group) > maxGroup || bytes.IndexByte(group, 0) >= 0 {
		return fmt.Errorf("%w: group %.40q: a group's name has up to %d bytes, none of them 0", spry.ErrConfig, group, maxGroup)
	}
	return nil
}

// RadioOptions are the options of [NewRadio].
type RadioOptions struct {
	Options

	// Overflow is what happens to a message for a peer whose queue is full. Defaults to [spry.DropOldest].
	Overflow spry.Overflow

	// TopicBytes limits the memory for the groups of all peers, in bytes: a group is charged its length and 40 bytes. Beyond
	// it, the peer with the most groups loses its pipe, which is counted under "topics". Defaults to 256 MiB; negative means
	// no limit. One peer may in any case have at most 1,048,576 groups, of 64 MiB together.
	TopicBytes int64
}

// A Radio sends each message, a body for a group, to the DISH peers that joined that group. The name of a group has up to 255
// bytes, none of them zero. Methods that take a message expect two frames: the group and the body. It is a draft of ZeroMQ's
// (RFC 48).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Radio struct {
	spry.Socket
	toAll
	pattern *pattern.Pub
}

// NewRadio returns a Radio without endpoints. o may be nil.
func NewRadio(o *RadioOptions) *Radio {
	options := orZero(o)
	var p *pattern.Pub
	core := open(options.Options, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewPub(s, zmtp.Radio.Hello(), overflow(s, options.Overflow, false), true)
		p.LimitTopics(options.TopicBytes)
		return p
	})
	return &Radio{core, toAll{sender{send: p.Send, check: grouped}.with(chain(core, options.Options, false))}, p}
}

// Send queues a copy of body for every connected peer that joined the group, possibly none. It never blocks, unless Overflow is
// [spry.Block]: then it blocks until all their queues have room, or ctx ends. Otherwise a full queue drops a message, as Overflow
// says; the drop is counted and not an error. A nil error does not say that any peer received the message. A group with an
// invalid name fails with [spry.ErrConfig].
func (s *Radio) Send(ctx context.Context, group string, body []byte) error {
	m := msg.OfFrames(copyFrames([][]byte{[]byte(group), body}))
	return s.SendMsg(ctx, (*spry.Message)(&m))
}

// grouped fails if a message is not the name of a group and a body.
func grouped(m *msg.Message) error {
	if err := checkGroup(m.Body()); err != nil {
		return err
	}
	if m.Count() != 2 {
		return fmt.Errorf("%w: a message of a Radio is a group and a body, and this has %d frames", ErrFrames, m.Count())
	}
	return nil
}

// WaitSubscribers waits until at least n connected peers have joined the group, or until ctx ends.
func (s *Radio) WaitSubscribers(ctx context.Context, group string, n int) error {
	return opErr("wait", s.pattern.WaitSubscribers(ctx, group, n))
}

// DishOptions are the options of [NewDish].
type DishOptions struct {
	Options

	// Overflow is what happens to a message when the queue of its pipe is full. Defaults to [spry.DropOldest].
	// [spry.Block] stops reading from the peer until there is room. [spry.Disconnect] is refused.
	Overflow spry.Overflow
}

// A Dish receives what its RADIO peers send to the groups that it joined: none, at first. It is a draft of ZeroMQ's (RFC 48).
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Dish struct {
	spry.Socket
	receiver
	draining
	pattern *pattern.Sub
}

// NewDish returns a Dish without endpoints and groups. o may be nil.
func NewDish(o *DishOptions) *Dish {
	options := orZero(o)
	var p *pattern.Sub
	core, d := openDraining(options.Options, func(s *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewSub(zmtp.Dish.Hello(), eo, recvOverflow(s, options.Overflow, false), true)
		return p
	})
	f := p.First()
	return &Dish{core, newReceiver(chain(core, options.Options, false), d, f), d, p}
}

// Recv waits for the next message, until ctx ends, and returns its group and a copy of its body. RecvMsg and the other
// methods return messages of two frames: the group and the body.
func (s *Dish) Recv(ctx context.Context) (group string, body []byte, err error) {
	m, err := s.by.Recv(ctx)
	if err != nil {
		return "", nil, opErr("recv", err)
	}
	frames := detach(m)
	return string(frames[0]), frames[1], nil
}

// Join adds groups. It does not wait for the peers. A group must be left as often as it was joined. If one name is not up to
// 255 bytes without a zero byte, Join adds none and fails with [spry.ErrConfig].
func (s *Dish) Join(groups ...string) error {
	for _, g := range groups {
		if err := checkGroup([]byte(g)); err != nil {
			return opErr("join", err)
		}
	}
	return opErr("join", s.pattern.First().Subscribe(groups...))
}

// Leave removes groups. Messages that are queued already stay. At the first group that was not joined it fails with
// [spry.ErrNotSubscribed], and stays in the groups after it.
func (s *Dish) Leave(groups ...string) error {
	return opErr("leave", s.pattern.First().Unsubscribe(groups...))
}
