// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"iter"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/scope"
)

// A Receiver receives messages. All sockets that receive implement it, and so do [Subscription] and package zmq's sockets.
type Receiver interface {
	// RecvMsg waits for the next message, until ctx ends. The message belongs to the caller, except if it is a request: see
	// [Message.Request].
	RecvMsg(ctx context.Context) (*Message, error)
}

// receiving has the receiving methods of a socket. It is embedded, never used by itself.
type receiving struct {
	owner *engine.Socket
	by    intercept.Receivers
	turns pattern.TurnReceiver // nil: there are interceptors, which see a turn as a batch
}

// newReceiving returns the methods, with the interceptors c, which may be nil.
func newReceiving(c *intercept.Chain, owner *engine.Socket, r intercept.Receivers, turns pattern.TurnReceiver) receiving {
	if c != nil {
		return receiving{owner, c.Receivers(r), nil}
	}
	return receiving{owner, r, turns}
}

// Recv waits for the next message, until ctx ends, and returns a copy of its body. Several frames are joined.
func (r *receiving) Recv(ctx context.Context) ([]byte, error) {
	m, err := r.by.Recv(ctx)
	if err != nil {
		return nil, opErr("recv", err)
	}
	body := m.Detach()
	m.Release()
	return body, nil
}

// RecvMsg waits for the next message, until ctx ends. The message belongs to the caller. Pipes take turns of at most 64
// messages.
func (r *receiving) RecvMsg(ctx context.Context) (*Message, error) {
	m, err := r.by.Recv(ctx)
	return received(m), opErr("recv", err)
}

// TryRecvMsg returns the next message, or fails with [ErrWouldBlock] if there is none.
func (r *receiving) TryRecvMsg() (*Message, error) {
	m, err := r.by.TryRecv()
	return received(m), opErr("recv", err)
}

// RecvBatch waits for at least one message, until ctx ends, and puts as many queued messages into dst as it holds. It
// returns their number, and 0 at once if dst is empty. Earlier contents of dst are overwritten, not reused.
// [ReleaseMessages] releases the messages together.
func (r *receiving) RecvBatch(ctx context.Context, dst []*Message) (int, error) {
	n, err := r.by.RecvMany(ctx, innerMessages(dst))
	msg.StampAll(innerMessages(dst[:n]))
	return n, opErr("recv", err)
}

// Bodies yields the bodies of messages until the socket is closed or the loop ends. Where messages arrive many at a time, as
// from SendBodies, it is the cheapest way to receive them: a step costs no lock and no Message. A body is read-only and valid
// until the next step; several frames are joined. If ctx ends, or receiving fails for another reason, Bodies yields the error,
// once, and ends.
//
// A step takes a turn of at most 64 messages of one pipe, which all count as delivered, and releases them together. Messages
// that the loop has not reached when it ends return to the front of their queue. Use Messages where a message must be kept,
// or where its pipe or header matters, and where several receivers share slow work: they cannot take from another's turn.
func (r *receiving) Bodies(ctx context.Context) iter.Seq2[[]byte, error] {
	wrap := func(err error) error { return opErr("recv", err) }
	if r.turns == nil {
		return intercept.Bodies(ctx, r.owner, r.by, wrap)
	}
	return pattern.Bodies(ctx, r.owner, r.turns, wrap)
}

// Chan returns a channel of the socket's messages, for select statements. It is closed when ctx ends and when the socket is
// closed. A goroutine of the socket receives the next message as soon as the last one was taken. If that message is not
// taken before ctx ends, it returns to the front of its queue: nothing is lost. End ctx when the channel is no longer read,
// so that other receivers get that message. Errors are not reported: Recv returns them.
func (r *receiving) Chan(ctx context.Context) <-chan *Message {
	return engine.Feed(ctx, r.owner, r.RecvMsg, r.putBack)
}

// putBack makes a message that the application has not seen the next one to be received.
func (r *receiving) putBack(m *Message) { r.by.Unreceive((*msg.Message)(m)) }

// Messages yields messages until the socket is closed or the loop ends. Each belongs to the loop's body, which may release
// it. If ctx ends, or receiving fails for another reason, it yields the error, once, and ends.
func (r *receiving) Messages(ctx context.Context) iter.Seq2[*Message, error] {
	return messages(ctx, r.RecvMsg)
}

func messages(ctx context.Context, recv func(context.Context) (*Message, error)) iter.Seq2[*Message, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func(*Message, error) bool) {
		for {
			err := ctx.Err() // the loop ends with its ctx, even if messages are queued
			var m *Message
			if err == nil {
				m, err = recv(ctx)
			}
			switch {
			case err != nil && ended(err):
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(m, nil):
				return
			}
		}
	}
}
