// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"unsafe"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

// ErrFrames says that a message has several frames, which this kind of socket does not support.
var ErrFrames = errors.New("messages of this kind of socket have one frame")

// sender has the sending verbs that all sockets share. It is embedded, never used by itself.
type sender struct {
	send     func(ctx context.Context, wait bool, body []byte, m *msg.Message) error
	sendMany func(ctx context.Context, ms []*msg.Message) (int, error) // nil: one by one
	check    func(m *msg.Message) error                                // nil: any message can be sent
}

// SendMsg queues the contents of m, which is empty afterwards; on an error it is unchanged. A socket that sends to one peer
// blocks until ctx ends while no pipe has room, or no peer is connected. A socket that sends to all sends to the connected
// peers. A nil error says that the message is queued, not that it was received.
func (s *sender) SendMsg(ctx context.Context, m *spry.Message) error {
	err := s.checked(m)
	if err == nil {
		err = s.send(ctx, true, nil, inner(m))
	}
	return opErr("send", err)
}

// TrySendMsg is SendMsg, but fails with [spry.ErrWouldBlock] where that would have to wait.
func (s *sender) TrySendMsg(m *spry.Message) error {
	err := s.checked(m)
	if err == nil {
		err = s.send(context.Background(), false, nil, inner(m))
	}
	return opErr("send", err)
}

// SendBatch is SendMsg of all of ms, in order. It returns how many were queued; with an error, those from n on are
// unchanged.
func (s *sender) SendBatch(ctx context.Context, ms []*spry.Message) (n int, err error) {
	for _, m := range ms {
		if err := s.checked(m); err != nil {
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

func (s *sender) checked(m *spry.Message) error {
	if s.check == nil {
		return nil
	}
	return s.check(inner(m))
}

// single fails if a message has several frames.
func single(m *msg.Message) error {
	if m.Multipart() {
		return fmt.Errorf("%w: this has %d", ErrFrames, m.Count())
	}
	return nil
}

// frameSender has the send method of sockets with multipart messages.
type frameSender struct{ sender }

// Send queues a message of copies of these frames. Without any, it is of one empty frame. See SendMsg for when it waits.
func (s *frameSender) Send(ctx context.Context, frames ...[]byte) error {
	return opErr("send", sendFrames(frames, func(body []byte, m *msg.Message) error { return s.send(ctx, true, body, m) }))
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

// bodySender has the send method of sockets with messages of one frame.
type bodySender struct{ sender }

// Send queues a copy of body. See SendMsg for when it waits.
func (s *bodySender) Send(ctx context.Context, body []byte) error {
	return opErr("send", s.send(ctx, true, body, nil))
}

// receiver has the receiving verbs that all sockets share. It is embedded, never used by itself.
type receiver struct {
	owner     *engine.Socket
	recv      func(ctx context.Context) (*msg.Message, error)
	try       func() (*msg.Message, error)
	recvMany  func(ctx context.Context, dst []*msg.Message) (int, error)
	unreceive func(m *msg.Message)
}

// newReceiver has the verbs of a pattern.
func newReceiver(d draining, p interface {
	Recv(ctx context.Context) (*msg.Message, error)
	TryRecv() (*msg.Message, error)
	RecvBatch(ctx context.Context, dst []*msg.Message) (int, error)
	Unreceive(m *msg.Message)
},
) receiver {
	return receiver{d.socket, p.Recv, p.TryRecv, p.RecvBatch, p.Unreceive}
}

// RecvMsg waits for the next message, until ctx ends. Pipes take turns of at most 64 messages.
func (r *receiver) RecvMsg(ctx context.Context) (*spry.Message, error) {
	m, err := r.recv(ctx)
	return received(m), opErr("recv", err)
}

// TryRecvMsg returns the next message, or fails with [spry.ErrWouldBlock] if none is there.
func (r *receiver) TryRecvMsg() (*spry.Message, error) {
	m, err := r.try()
	return received(m), opErr("recv", err)
}

// RecvBatch waits for at least one message and fills dst with all that are queued. It returns their number.
// [spry.ReleaseMessages] releases them together.
func (r *receiver) RecvBatch(ctx context.Context, dst []*spry.Message) (int, error) {
	n, err := r.recvMany(ctx, innerAll(dst))
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
func (r *receiver) putBack(m *spry.Message) { r.unreceive((*msg.Message)(m)) }

// Messages yields messages until the socket is closed or the loop ends. If ctx ends it yields its error, once.
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
	m, err := r.recv(ctx)
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
	m, err := r.recv(ctx)
	if err != nil {
		return nil, opErr("recv", err)
	}
	body := m.Detach()
	m.Release()
	return body, nil
}

// inner is the message that a call of the application is about.
func inner(m *spry.Message) *msg.Message { return msg.Given((*msg.Message)(m)) }

// received is a message that the application gets, or nil.
func received(m *msg.Message) *spry.Message { return (*spry.Message)(m.Stamp()) }

// innerAll is the same slice, as the patterns take it: both kinds of message have the same memory.
func innerAll(ms []*spry.Message) []*msg.Message {
	return unsafe.Slice((**msg.Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}
