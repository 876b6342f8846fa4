// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"errors"
	"iter"
	"net"
	"unsafe"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/scope"
)

// ErrFrames says that a message has another number of frames than this kind of socket supports: one, or two for a [Radio].
var ErrFrames = errors.New("messages of this kind of socket have one frame")

// receiver has the receiving verbs that all sockets share. It is embedded, never used by itself.
type receiver struct {
	owner *engine.Socket
	by    intercept.Receivers
	plain intercept.Recv       // without interceptors, for proxies
	turns pattern.TurnReceiver // nil: there are interceptors, which see a turn as a batch
}

// newReceiver has the verbs of a pattern, with the interceptors c, which may be nil.
func newReceiver(c *intercept.Chain, d draining, p interface {
	Recv(ctx context.Context) (*msg.Message, error)
	TryRecv() (*msg.Message, error)
	RecvBatch(ctx context.Context, dst []*msg.Message) (int, error)
	Unreceive(m *msg.Message)
	pattern.TurnReceiver
},
) receiver {
	by := intercept.ReceiversOf(p)
	if c == nil {
		return receiver{d.socket, by, by.Recv, p}
	}
	return receiver{d.socket, c.Receivers(by), by.Recv, nil}
}

// unseen is RecvMsg that interceptors do not see, for proxies.
func (r *receiver) unseen(ctx context.Context) (*spry.Message, error) {
	m, err := r.plain(ctx)
	return received(m), opErr("recv", err)
}

// RecvMsg waits for the next message, until ctx ends. Pipes take turns of at most 64 messages. The message belongs to the
// caller, who may release it.
func (r *receiver) RecvMsg(ctx context.Context) (*spry.Message, error) {
	m, err := r.by.Recv(ctx)
	return received(m), opErr("recv", err)
}

// TryRecvMsg returns the next message, or fails with [spry.ErrWouldBlock] if there is none.
func (r *receiver) TryRecvMsg() (*spry.Message, error) {
	m, err := r.by.TryRecv()
	return received(m), opErr("recv", err)
}

// RecvBatch waits for at least one message, until ctx ends, and fills dst with all that are queued. It returns their number.
// [spry.ReleaseMessages] releases them together.
func (r *receiver) RecvBatch(ctx context.Context, dst []*spry.Message) (int, error) {
	n, err := r.by.RecvMany(ctx, innerAll(dst))
	msg.StampAll(innerAll(dst[:n]))
	return n, opErr("recv", err)
}

// Chan returns a channel of the socket's messages, for select statements. It is closed when ctx ends and when the socket is
// closed. A goroutine of the socket receives the next message as soon as the last one was taken. If that message is not
// taken before ctx ends, it returns to the front of its queue: nothing is lost. End ctx when the channel is no longer read,
// so that other receivers get that message.
func (r *receiver) Chan(ctx context.Context) <-chan *spry.Message {
	return engine.Feed(ctx, r.owner, r.RecvMsg, r.putBack)
}

// putBack makes a message that the application has not seen the next one to be received.
func (r *receiver) putBack(m *spry.Message) { r.by.Unreceive((*msg.Message)(m)) }

func init() {
	face.PutBack = func(receiver, m any) bool {
		r, ok := receiver.(interface{ putBack(m *spry.Message) })
		if ok {
			r.putBack(m.(*spry.Message))
		}
		return ok
	}
}

// Messages yields messages until the socket is closed or the loop ends. If ctx ends it yields ctx's error, once.
func (r *receiver) Messages(ctx context.Context) iter.Seq2[*spry.Message, error] {
	return each(ctx, r.RecvMsg)
}

// each yields what next returns until the socket is closed or the loop ends. If ctx ends it yields its error, once.
func each[T any](ctx context.Context, next func(context.Context) (T, error)) iter.Seq2[T, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func(T, error) bool) {
		for {
			var v T
			err := ctx.Err() // the loop ends with its ctx, even if messages are queued
			if err == nil {
				v, err = next(ctx)
			}
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				var none T
				yield(none, err)
				return
			case !yield(v, nil):
				return
			}
		}
	}
}

// frameReceiver has the receive method of sockets with multipart messages.
type frameReceiver struct{ receiver }

// Recv waits for the next message, until ctx ends, and returns copies of its frames.
func (r *frameReceiver) Recv(ctx context.Context) ([][]byte, error) {
	m, err := r.by.Recv(ctx)
	if err != nil {
		return nil, opErr("recv", err)
	}
	return detach(m), nil
}

// detach releases a message and returns copies of its frames.
func detach(m *msg.Message) [][]byte {
	frames := make([][]byte, 0, m.Count())
	for _, f := range m.Frames() {
		frames = append(frames, f)
	}
	frames = copyFrames(frames)
	m.Release()
	return frames
}

// bodyReceiver has the receive method of sockets with messages of one frame.
type bodyReceiver struct{ receiver }

// Recv waits for the next message, until ctx ends, and returns a copy of its body.
func (r *bodyReceiver) Recv(ctx context.Context) ([]byte, error) {
	m, err := r.by.Recv(ctx)
	if err != nil {
		return nil, opErr("recv", err)
	}
	body := m.Detach()
	m.Release()
	return body, nil
}

// Bodies yields the bodies of messages until the socket is closed or the loop ends. A body is read-only and valid until the
// next step. If ctx ends it yields ctx's error, once. See [spry.Pull.Bodies].
func (r *bodyReceiver) Bodies(ctx context.Context) iter.Seq2[[]byte, error] {
	wrap := func(err error) error { return opErr("recv", err) }
	if r.turns == nil {
		return intercept.Bodies(ctx, r.owner, r.by, wrap)
	}
	return pattern.Bodies(ctx, r.owner, r.turns, wrap)
}

// inner is the message that a call of the application is about.
func inner(m *spry.Message) *msg.Message { return msg.Given((*msg.Message)(m)) }

// received is a message that the application gets, or nil.
func received(m *msg.Message) *spry.Message { return (*spry.Message)(m.Stamp()) }

// innerAll is the same slice, as the patterns take it: both kinds of message have the same memory.
func innerAll(ms []*spry.Message) []*msg.Message {
	return unsafe.Slice((**msg.Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}
