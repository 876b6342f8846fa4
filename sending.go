// SPDX-License-Identifier: MIT

package spry

import (
	"context"

	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
)

// A Sender sends messages. [Push], [Pair], [Pub], [Bus] and [Raw] implement it, and so do sockets of package zmq.
type Sender interface {
	// SendMsg queues the contents of m. Afterwards m is empty; on an error it is unchanged. ctx limits how long it blocks.
	SendMsg(ctx context.Context, m *Message) error
}

// sending has the sending methods of a Raw socket. Other sockets have them by toOne or toAll, with their own documentation.
// All are embedded, never used by themselves.
type sending struct {
	send     intercept.Send
	sendMany intercept.SendMany // nil: one by one
	sendAll  intercept.SendAll  // nil: one by one
}

// Send queues a copy of body, without a routing header. PUSH, REQ and PAIR sockets send to one peer, and block until ctx
// ends while none is connected or all queues are full. PUB, SURVEYOR and BUS sockets send to all peers, and a full queue
// drops its oldest message. REP and RESPONDENT sockets find their peer by the header, so messages of Send are dropped and
// counted as no_peer. A nil error says that the message is queued or dropped, not that it was received.
func (s *sending) Send(ctx context.Context, body []byte) error {
	return opErr("send", s.send(ctx, true, body, nil))
}

// SendMsg is Send for the contents of m, with its routing header. Afterwards m is empty; on an error it is unchanged. REP
// and RESPONDENT sockets never block: if the peer in the header has disconnected or its queue is full, the message is
// dropped and counted.
func (s *sending) SendMsg(ctx context.Context, m *Message) error {
	return opErr("send", s.send(ctx, true, nil, m.inner()))
}

// TrySendMsg is SendMsg, but fails with [ErrWouldBlock] instead of blocking.
func (s *sending) TrySendMsg(m *Message) error {
	return opErr("send", s.send(context.Background(), false, nil, m.inner()))
}

// SendBatch is SendMsg for each of ms, in order. It returns how many it sent; on an error those from n on are unchanged.
func (s *sending) SendBatch(ctx context.Context, ms []*Message) (n int, err error) {
	if s.sendMany != nil {
		n, err = s.sendMany(ctx, msg.GivenAll(innerMessages(ms)))
		return n, opErr("send", err)
	}
	for n < len(ms) && err == nil {
		if err = s.send(ctx, true, nil, ms[n].inner()); err == nil {
			n++
		}
	}
	return n, opErr("send", err)
}

// SendBodies is Send for each of bodies, in order. It returns how many it sent; the caller may reuse all of them at once.
func (s *sending) SendBodies(ctx context.Context, bodies [][]byte) (n int, err error) {
	if s.sendAll != nil {
		n, err = s.sendAll(ctx, bodies)
		return n, opErr("send", err)
	}
	for n < len(bodies) && err == nil {
		if err = s.send(ctx, true, bodies[n], nil); err == nil {
			n++
		}
	}
	return n, opErr("send", err)
}

// newSending returns the methods, with the interceptors c, which may be nil. many and all may be nil.
func newSending(c *intercept.Chain, send intercept.Send, many intercept.SendMany, all intercept.SendAll) sending {
	if c != nil {
		send, many, all = c.Senders(send, many)
	}
	return sending{send, many, all}
}

// toOne has the sending methods of sockets that send each message to one peer.
type toOne struct{ sending }

// Send queues a copy of body for one peer. It blocks while no peer is connected or all queues are full, until ctx ends. A
// nil error says that the message is queued, not that it was received.
func (s *toOne) Send(ctx context.Context, body []byte) error { return s.sending.Send(ctx, body) }

// SendMsg is Send for the contents of m. Afterwards m is empty; on an error it is unchanged. It fails with [ErrMultipart] or
// [ErrTooLarge] if peers are connected and none of them can receive such a message.
func (s *toOne) SendMsg(ctx context.Context, m *Message) error { return s.sending.SendMsg(ctx, m) }

// TrySendMsg is SendMsg, but never blocks: it fails with [ErrWouldBlock] if no peer is connected or all queues are full.
func (s *toOne) TrySendMsg(m *Message) error { return s.sending.TrySendMsg(m) }

// SendBatch is SendMsg for each of ms, in order, and costs less. It returns how many it queued; on an error those from n on are
// unchanged.
func (s *toOne) SendBatch(ctx context.Context, ms []*Message) (n int, err error) {
	return s.sending.SendBatch(ctx, ms)
}

// SendBodies is Send for each of bodies, in order, and costs less: neither a lock nor a Message for each. Of several peers, each
// gets up to 64 in a row. It returns how many it queued; on an error, those from n on are not sent. The caller may reuse all of
// them at once.
func (s *toOne) SendBodies(ctx context.Context, bodies [][]byte) (n int, err error) {
	return s.sending.SendBodies(ctx, bodies)
}

// toAll has the sending methods of sockets that send each message to all peers.
type toAll struct{ sending }

// Send queues a copy of body for every connected peer that may want it, possibly none. It never blocks, unless Overflow is
// [Block]: then it blocks until all their queues have room, or ctx ends. Otherwise a full queue drops a message, as Overflow
// says; the drop is counted and not an error. A nil error does not say that any peer received the message.
func (s *toAll) Send(ctx context.Context, body []byte) error { return s.sending.Send(ctx, body) }

// SendMsg is Send for the contents of m. Afterwards m is empty; on an error it is unchanged. It fails with [ErrMultipart] if
// m has several frames and a connected peer that would get it speaks the Scalability Protocols. For a peer with a link that
// is too small, the message is dropped and counted as too_large.
func (s *toAll) SendMsg(ctx context.Context, m *Message) error { return s.sending.SendMsg(ctx, m) }

// TrySendMsg is SendMsg, but with Overflow [Block] it fails with [ErrWouldBlock] instead of blocking.
func (s *toAll) TrySendMsg(m *Message) error { return s.sending.TrySendMsg(m) }

// SendBatch is SendMsg for each of ms, in order. It returns how many it sent; on an error those from n on are unchanged.
func (s *toAll) SendBatch(ctx context.Context, ms []*Message) (n int, err error) {
	return s.sending.SendBatch(ctx, ms)
}

// SendBodies is Send for each of bodies, in order. It returns how many it sent; on an error, those from n on are not sent. The
// caller may reuse all of them at once.
func (s *toAll) SendBodies(ctx context.Context, bodies [][]byte) (n int, err error) {
	return s.sending.SendBodies(ctx, bodies)
}
