// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
)

// sender implements the sending methods of all sockets. Sockets have them by toOne, toAll or toNamed, with their own
// documentation. All are embedded, never used by themselves.
type sender struct {
	send     intercept.Send
	sendMany intercept.SendMany         // nil: one by one
	sendAll  intercept.SendAll          // of bodyToOne
	check    func(m *msg.Message) error // nil: any message can be sent
	plain    *sender                    // without interceptors; nil: this has none
}

// with returns the sender with the interceptors c, which may be nil. What they made of a message is checked.
func (s sender) with(c *intercept.Chain) sender {
	if c == nil {
		return s
	}
	send := func(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
		if err := s.checked(m); err != nil {
			return err
		}
		return s.send(ctx, wait, body, m)
	}
	many := s.sendMany
	if many != nil {
		many = func(ctx context.Context, ms []*msg.Message) (int, error) {
			for _, m := range ms {
				if err := s.checked(m); err != nil {
					return 0, err
				}
			}
			return s.sendMany(ctx, ms)
		}
	}
	own := sender{plain: &s}
	own.send, own.sendMany, own.sendAll = c.Senders(send, many)
	return own
}

func (s *sender) sendMsg(ctx context.Context, wait bool, m *spry.Message) error {
	err := s.checked(inner(m))
	if err == nil {
		err = s.send(ctx, wait, nil, inner(m))
	}
	return opErr("send", err)
}

func (s *sender) sendBatch(ctx context.Context, ms []*spry.Message) (n int, err error) {
	for _, m := range ms {
		if err := s.checked(inner(m)); err != nil {
			return 0, opErr("send", err)
		}
	}
	if s.sendMany != nil {
		n, err = s.sendMany(ctx, msg.GivenAll(innerAll(ms)))
		return n, opErr("send", err)
	}
	for ; n < len(ms); n++ {
		if err = s.send(ctx, true, nil, inner(ms[n])); err != nil {
			break
		}
	}
	return n, opErr("send", err)
}

func (s *sender) sendCopies(ctx context.Context, frames [][]byte) error {
	return opErr("send", sendFrames(frames, func(body []byte, m *msg.Message) error { return s.send(ctx, true, body, m) }))
}

func (s *sender) checked(m *msg.Message) error {
	if s.check == nil {
		return nil
	}
	return s.check(m)
}

// unseen is SendMsg that interceptors do not see, for proxies.
func (s *sender) unseen(ctx context.Context, m *spry.Message) error {
	return s.plainly().sendMsg(ctx, true, m)
}

// plainly is the sender without interceptors.
func (s *sender) plainly() *sender {
	if s.plain != nil {
		return s.plain
	}
	return s
}

// single fails if a message has several frames.
func single(m *msg.Message) error {
	if m.Multipart() {
		return fmt.Errorf("%w: this has %d", ErrFrames, m.Count())
	}
	return nil
}

// sendFrames sends a copy of frames: as a body if there is no more than one, else as a message.
func sendFrames(frames [][]byte, send func(body []byte, m *msg.Message) error) error {
	switch len(frames) {
	case 0:
		return send(nil, nil)
	case 1:
		return send(frames[0], nil)
	}
	m := msg.OfFrames(copyFrames(frames))
	return send(nil, &m)
}

// copyFrames returns copies, which lie behind each other.
func copyFrames(frames [][]byte) [][]byte {
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	all, copies := make([]byte, 0, size), make([][]byte, len(frames))
	for i, f := range frames {
		from := len(all)
		all = append(all, f...)
		copies[i] = all[from:len(all):len(all)]
	}
	return copies
}

// toOne has the sending methods of sockets that send each message to one peer.
type toOne struct{ sender }

// SendMsg is Send for the contents of m. Afterwards m is empty; on an error it is unchanged. It fails with
// [spry.ErrTooLarge] if peers are connected and none of them can receive such a message, and with [ErrFrames] if m has several
// frames and the socket's messages have one.
func (s *toOne) SendMsg(ctx context.Context, m *spry.Message) error { return s.sendMsg(ctx, true, m) }

// TrySendMsg is SendMsg, but never blocks: it fails with [spry.ErrWouldBlock] if no peer is connected or all queues are full.
func (s *toOne) TrySendMsg(m *spry.Message) error { return s.sendMsg(context.Background(), false, m) }

// SendBatch is SendMsg for each of ms, in order, and costs less. It blocks as SendMsg does. It returns how many it queued; on an
// error those from n on are unchanged.
func (s *toOne) SendBatch(ctx context.Context, ms []*spry.Message) (n int, err error) {
	return s.sendBatch(ctx, ms)
}

// framesToOne is toOne for sockets with messages of several frames.
type framesToOne struct{ toOne }

// Send queues a message of copies of frames for one peer; without any, the message is one empty frame. It blocks while no peer
// is connected or all queues are full, until ctx ends. A nil error says that the message is queued, not that it was received.
func (s *framesToOne) Send(ctx context.Context, frames ...[]byte) error {
	return s.sendCopies(ctx, frames)
}

// bodyToOne is toOne for sockets with messages of one frame.
type bodyToOne struct{ toOne }

// Send queues a copy of body for one peer. It blocks while no peer is connected or all queues are full, until ctx ends. A
// nil error says that the message is queued, not that it was received.
func (s *bodyToOne) Send(ctx context.Context, body []byte) error {
	return opErr("send", s.send(ctx, true, body, nil))
}

// SendBodies is Send for each of bodies, in order, and costs less. It returns how many it queued; on an error, those from n on
// are not sent. The caller may reuse all of them at once.
func (s *bodyToOne) SendBodies(ctx context.Context, bodies [][]byte) (n int, err error) {
	n, err = s.sendAll(ctx, bodies)
	return n, opErr("send", err)
}

// toAll has the sending methods of sockets that send each message to all peers.
type toAll struct{ sender }

// SendMsg is Send for the contents of m. Afterwards m is empty; on an error it is unchanged.
func (s *toAll) SendMsg(ctx context.Context, m *spry.Message) error { return s.sendMsg(ctx, true, m) }

// TrySendMsg is SendMsg, but with Overflow [spry.Block] it fails with [spry.ErrWouldBlock] instead of blocking.
func (s *toAll) TrySendMsg(m *spry.Message) error { return s.sendMsg(context.Background(), false, m) }

// SendBatch is SendMsg for each of ms, in order. It returns how many it sent; on an error those from n on are unchanged.
func (s *toAll) SendBatch(ctx context.Context, ms []*spry.Message) (n int, err error) {
	return s.sendBatch(ctx, ms)
}

// framesToAll is toAll for sockets with messages of several frames.
type framesToAll struct{ toAll }

// Send queues a message of copies of frames for every connected peer that may want it, possibly none; without any frames, the
// message is one empty frame. It never blocks, unless Overflow is [spry.Block]: then it blocks until all their queues have
// room, or ctx ends. Otherwise a full queue drops a message, as Overflow says; the drop is counted and not an error. A nil
// error does not say that any peer received the message.
func (s *framesToAll) Send(ctx context.Context, frames ...[]byte) error {
	return s.sendCopies(ctx, frames)
}

// toNamed has the sending methods of sockets whose messages name their peer.
type toNamed struct{ sender }

// Send queues a message of copies of frames for the peer whose identity is the first of them, which is not sent. If that peer's
// queue is full, the message is dropped and counted; with Mandatory, Send blocks until there is room or ctx ends. It fails with
// [spry.ErrNoPeer] if no connected peer has the identity. A nil error does not say that the peer received the message.
func (s *toNamed) Send(ctx context.Context, frames ...[]byte) error {
	return s.sendCopies(ctx, frames)
}

// SendMsg is Send for the contents of m. Afterwards m is empty; on an error it is unchanged.
func (s *toNamed) SendMsg(ctx context.Context, m *spry.Message) error { return s.sendMsg(ctx, true, m) }

// TrySendMsg is SendMsg, but fails with [spry.ErrWouldBlock] if that peer's queue is full, instead of dropping the message or
// blocking.
func (s *toNamed) TrySendMsg(m *spry.Message) error { return s.sendMsg(context.Background(), false, m) }

// SendBatch is SendMsg for each of ms, in order. It returns how many it sent; on an error those from n on are unchanged.
func (s *toNamed) SendBatch(ctx context.Context, ms []*spry.Message) (n int, err error) {
	return s.sendBatch(ctx, ms)
}
