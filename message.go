// SPDX-License-Identifier: MIT

package spry

import (
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

// WrapMessage returns a message around body without copying it. release, which may be nil, runs exactly once, when
// neither the message, nor a clone, nor any queue needs body any longer. body must not change until then.
//
// If the last to let go is the application's own call of Release or [ReleaseMessages], release runs in that call. Otherwise it
// runs in a goroutine of its own, may take any time and call anything, and a panic of it is logged by [slog.Default].
func WrapMessage(body []byte, release func()) *Message {
	if release == nil {
		return received(msg.Around(body))
	}
	return received(msg.WrapForeign(body, release))
}

// inner is the message that a call of the application is about.
func (m *Message) inner() *msg.Message { return msg.Given((*msg.Message)(m)) }

// received is a message that the application gets, or nil.
func received(m *msg.Message) *Message { return (*Message)(m.Stamp()) }

// Bytes is the body; several frames are joined. It is read-only, and valid until the message is sent or released.
func (m *Message) Bytes() []byte { return m.inner().Bytes() }

// Len is the length of Bytes.
func (m *Message) Len() int { return m.inner().Len() }

// Frames yields the frames in order, with their index. There is more than one only in messages of ZeroMQ peers or
// made by AppendFrame.
func (m *Message) Frames() iter.Seq2[int, []byte] { return m.inner().Frames() }

// AppendFrame adds a copy of p as a frame after the last one. The body is the first frame, even if it is empty. Messages of several frames cannot be sent to peers of
// the Scalability Protocols: [ErrMultipart].
func (m *Message) AppendFrame(p []byte) { m.inner().AppendFrame(p) }

// Header is the routing header, which only [Raw] sockets use. Read-only.
func (m *Message) Header() []byte { return m.inner().Header() }

// SetHeader replaces the routing header by h, which belongs to the message from now on.
func (m *Message) SetHeader(h []byte) { m.inner().SetHeader(h) }

// Write appends p to the body. It never fails.
func (m *Message) Write(p []byte) (int, error) { return m.inner().Write(p) }

// Clone returns a second message with the same contents. They share memory until one is written to.
func (m *Message) Clone() *Message { return received(m.inner().Clone()) }

// Detach returns a copy of the body that shares memory with nothing. A small body that is kept for long should be
// detached: it may otherwise keep the memory of its neighbours.
func (m *Message) Detach() []byte { return m.inner().Detach() }

// Release gives the contents back and empties the message. It is optional: what is not released is left to the
// garbage collector. A second call does nothing.
func (m *Message) Release() { (*msg.Message)(m).GiveBack() }

// ReleaseMessages releases all of ms, nil ones left out. It costs less than one by one: messages that came together share
// memory.
func ReleaseMessages(ms []*Message) { msg.ReleaseEach(innerMessages(ms)) }

// Pipe is where the message came from, or nil.
func (m *Message) Pipe() *Pipe { return (*Pipe)(engine.PipeOf(m.inner())) }

// Request is what to reply to if the message was received from a [Rep] or a [Respondent], and nil otherwise. It is nil as soon as
// the message is released or sent, so ask for it before. The message belongs to the Request: it is released when that is replied
// to or discarded. Requests that are neither keep Drain waiting.
func (m *Message) Request() *Request { return (*Request)(pattern.RequestOf(m.inner())) }

// innerMessages is the same slice, as the patterns take it: Message and msg.Message have the same memory.
func innerMessages(ms []*Message) []*msg.Message {
	return unsafe.Slice((**msg.Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}
