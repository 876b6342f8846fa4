// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"iter"
	"unsafe"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
)

// A Message is what sockets exchange: a body and, on [Raw] sockets, a routing header. The zero value is an empty message. A
// Message must not be used by two goroutines at once.
//
// Messages are passed as pointers and must not be copied by value: both copies would share one reference to their memory.
// Releasing or sending such a copy does not affect other messages, but copies the body; after the original was released, the
// copy's contents are undefined. A nil *Message counts as an empty one.
type Message msg.Message

// NewMessage returns an empty message with room for capacity bytes.
func NewMessage(capacity int) *Message { return (*Message)(msg.New(capacity).Stamp()) }

// WrapMessage returns a message around body without copying it. release, which may be nil, runs exactly once, when no
// message, clone or queue needs body any longer. body must not change until then.
//
// If the last reference is released by the application's own call of Release or [ReleaseMessages], release runs in that
// call. Otherwise it runs in a goroutine of its own, may take any time and call anything. Its panic is logged by
// [slog.Default].
func WrapMessage(body []byte, release func()) *Message {
	if release == nil {
		return received(msg.Around(body))
	}
	return received(msg.WrapForeign(body, release))
}

// inner is the message that the application passes.
func (m *Message) inner() *msg.Message { return msg.Given((*msg.Message)(m)) }

// received is a message that the application gets, or nil.
func received(m *msg.Message) *Message { return (*Message)(m.Stamp()) }

// Bytes is the body; several frames are joined. It is read-only, and valid until the message is sent or released.
func (m *Message) Bytes() []byte { return m.inner().Bytes() }

// Len is the length of Bytes.
func (m *Message) Len() int { return m.inner().Len() }

// Frames yields the frames in order, with their index from 0. They are read-only and valid as long as Bytes. Only messages of
// ZeroMQ peers, or made by AppendFrame, have more than one.
func (m *Message) Frames() iter.Seq2[int, []byte] { return m.inner().Frames() }

// AppendFrame adds a copy of p as a frame after the last one. The body is the first frame, even if it is empty. Messages of
// several frames cannot be sent to peers of the Scalability Protocols: [ErrMultipart].
func (m *Message) AppendFrame(p []byte) { m.inner().AppendFrame(p) }

// Header is the routing header, which only [Raw] sockets use. It is read-only, and valid as long as Bytes.
func (m *Message) Header() []byte { return m.inner().Header() }

// SetHeader replaces the routing header by h, which the message then owns.
func (m *Message) SetHeader(h []byte) { m.inner().SetHeader(h) }

// Write appends a copy of p to the body, which is the first frame. It returns len(p) and never fails.
func (m *Message) Write(p []byte) (int, error) { return m.inner().Write(p) }

// Clone returns a second message with the same contents. They share memory until one of them is written to.
func (m *Message) Clone() *Message { return received(m.inner().Clone()) }

// Detach returns a copy of the body that shares no memory. Detach a small body that you keep for long: otherwise it may keep
// the memory of other messages.
func (m *Message) Detach() []byte { return m.inner().Detach() }

// Release releases the contents and empties the message, which may then be used again. It is optional: unreleased messages
// are left to the garbage collector. A second call does nothing.
func (m *Message) Release() { (*msg.Message)(m).GiveBack() }

// ReleaseMessages releases all of ms and skips nil ones. It costs less than single calls, because messages that arrived
// together share memory.
func ReleaseMessages(ms []*Message) { msg.ReleaseEach(innerMessages(ms)) }

// Pipe is the pipe that the message was received on, or nil. The pipe may have ended since.
func (m *Message) Pipe() *Pipe { return (*Pipe)(engine.PipeOf(m.inner())) }

// Request is the request of a message that was received from a [Rep] or a [Respondent], and nil otherwise. It is nil as soon
// as the message is released or sent, so get it before. The message belongs to the Request, which releases it when it is
// replied to or discarded. Requests that are neither keep Drain waiting.
func (m *Message) Request() *Request { return (*Request)(pattern.RequestOf(m.inner())) }

// SetFrames replaces all frames by these, which the message then owns: they must not change. They may be parts of its old ones.
// The first is the body; without any, the message has one empty frame. Routing header, pipe and request stay.
func (m *Message) SetFrames(frames ...[]byte) { m.inner().SetFrames(frames) }

// Context is the context that an interceptor has set, and otherwise [context.Background]. It has values that came with the
// message, such as a trace's; it does not limit anything.
func (m *Message) Context() context.Context {
	if p := m.inner().Passed(); p != nil && p.Context != nil {
		return p.Context
	}
	return context.Background()
}

// SetContext sets the context of a received message: see [Interceptor].
func (m *Message) SetContext(ctx context.Context) {
	p := msg.Passed{Context: ctx}
	if old := m.inner().Passed(); old != nil {
		p.Before = old.Before
	}
	m.inner().SetPassed(p)
}

// outerMessages is the opposite of innerMessages.
func outerMessages(ms []*msg.Message) []*Message {
	return unsafe.Slice((**Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}

// innerMessages is the same slice, as the patterns take it: Message and msg.Message have the same memory.
func innerMessages(ms []*Message) []*msg.Message {
	return unsafe.Slice((**msg.Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}
