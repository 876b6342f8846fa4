// SPDX-License-Identifier: MIT

// Package msg has the message: a body, perhaps a routing header, and where it came from.
package msg

import (
	"iter"

	"github.com/sprymq/spry/internal/buf"
)

// An Origin names the pipe that a message came from. Each pipe has one and every message of it points
// there, which keeps a Message small and this package free of the engine.
type Origin struct{ Pipe any }

// A Message is what sockets exchange. The zero value is an empty message.
//
// data is the routing header followed by the body, as they came off the wire; head is the header's length.
// Memory is shared freely between messages: nobody writes to data once a message was sent, received or
// cloned.
//
// Flags say which pointers count, so that a message of counted memory is emptied without writing pointers. While the
// garbage collector works, each of those costs more than all the rest of a small message's way.
type Message struct {
	data   []byte
	owner  *buf.Chunk // counted memory under data, if held
	origin *Origin    // if came
	ext    *extension
	head   int32
	sealed bool // data may be shared: Write must copy first
	held   bool // the message has a reference of owner
	came   bool // from origin
}

// keep is the largest memory that an emptied message may still point to.
const keep = 8 << 10

// An extension holds what few messages have.
type extension struct {
	header []byte   // set by hand; replaces data[:head]
	frames [][]byte // frames after the first
}

// New returns an empty message with room for capacity bytes.
func New(capacity int) *Message { return &Message{data: make([]byte, 0, max(capacity, 0))} }

// Wrap returns a message around body without copying it. release, if not nil, runs exactly once, when
// neither the message, nor a clone, nor a queue needs body any longer.
func Wrap(body []byte, release func()) *Message {
	m := &Message{data: body, sealed: true}
	if release != nil {
		m.owner, m.held = buf.Wrap(body, release), true
	}
	return m
}

// Of returns a message, as a value, whose body is data, which the message owns from now on.
func Of(data []byte) Message { return Message{data: data, sealed: true} }

// OfFrames returns a message, as a value, of these frames, of which there is at least one. It owns them from now on.
func OfFrames(frames [][]byte) Message {
	m := Of(frames[0])
	if len(frames) > 1 {
		m.ext = &extension{frames: frames[1:]}
	}
	return m
}

// OfParts returns a message, as a value, whose routing header and body are copies of these.
func OfParts(header, body []byte) Message {
	data := make([]byte, len(header)+len(body))
	copy(data[copy(data, header):], body)
	return Message{data: data, head: int32(len(header)), sealed: true}
}

// Received returns a message, as a value, that came whole from a pipe; it owns data, whose first head bytes are
// the routing header.
func Received(data []byte, head int, o *Origin) Message {
	return Message{data: data, head: int32(head), origin: o, sealed: true, came: true}
}

// Share makes m, which must be empty, a part of chunk: data, whose first head bytes are the routing header. The caller
// gives one of its references.
func (m *Message) Share(data []byte, head int, chunk *buf.Chunk) {
	m.data, m.owner = data, chunk
	m.head, m.sealed, m.held = int32(head), true, true
}

// Bare takes the contents out, as Take does, without the routing header and where they came from.
func (m *Message) Bare() (t Message) {
	m.BareInto(&t)
	return t
}

// BareInto is Bare to where dst is, which must be the zero Message. Filling it in place saves a copy of 56 bytes and writing
// pointers that are not there: a seventh of what handing a message over costs within the process.
func (m *Message) BareInto(dst *Message) {
	dst.data, dst.sealed = m.Body(), true
	if m.held {
		dst.owner, dst.held = m.owner, true
	}
	if m.Multipart() {
		dst.ext = &extension{frames: m.ext.frames}
	}
	m.sealed = true // the memory goes with the contents
	m.clear()
}

// Body is the first frame.
func (m *Message) Body() []byte { return m.data[m.head:len(m.data):len(m.data)] }

// Bytes is the body, read-only; several frames are joined.
func (m *Message) Bytes() []byte {
	if m.ext == nil || len(m.ext.frames) == 0 {
		return m.Body()
	}
	joined := make([]byte, 0, m.Len())
	for _, f := range m.Frames() {
		joined = append(joined, f...)
	}
	return joined
}

// Len is the length of the body, over all frames.
func (m *Message) Len() int {
	n := len(m.data) - int(m.head)
	if m.ext != nil {
		for _, f := range m.ext.frames {
			n += len(f)
		}
	}
	return n
}

// Multipart reports whether the message has more than one frame.
func (m *Message) Multipart() bool { return m.ext != nil && len(m.ext.frames) > 0 }

// Count is the number of frames.
func (m *Message) Count() int {
	if m.ext == nil {
		return 1
	}
	return 1 + len(m.ext.frames)
}

// Frames yields the frames in order.
func (m *Message) Frames() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if !yield(0, m.Body()) || m.ext == nil {
			return
		}
		for i, f := range m.ext.frames {
			if !yield(i+1, f) {
				return
			}
		}
	}
}

// AppendFrame adds a frame after the last one. The first frame of a message is its body, so that a new
// message of n frames is made by one Write and n-1 calls of AppendFrame. p is copied.
func (m *Message) AppendFrame(p []byte) {
	e := m.extend()
	e.frames = append(e.frames, append([]byte(nil), p...))
}

// Reframe takes the first cut frames off, of which at least one is left, or puts the frames of envelope, which the message
// owns from now on, in front, and replaces the header.
func (m *Message) Reframe(header []byte, envelope [][]byte, cut int) {
	frames := make([][]byte, 0, len(envelope)+m.Count())
	frames = append(frames, envelope...)
	for i, f := range m.Frames() {
		if i >= cut {
			frames = append(frames, f)
		}
	}
	m.data, m.head, m.sealed = frames[0], 0, true // counted memory stays: other frames may lie there
	m.ext = &extension{header: header, frames: frames[1:]}
}

// Header is the routing header: what a raw socket shows. Read-only.
func (m *Message) Header() []byte {
	if m.ext != nil && m.ext.header != nil {
		return m.ext.header
	}
	return m.data[:m.head:m.head]
}

// SetHeader replaces the routing header by h, which the message owns from now on.
func (m *Message) SetHeader(h []byte) { m.extend().header = h }

// Write appends p to the first frame. It never fails.
func (m *Message) Write(p []byte) (int, error) {
	if m.sealed {
		own := make([]byte, len(m.data), len(m.data)+len(p))
		copy(own, m.data)
		if !m.Multipart() { // else the other frames may lie there too
			m.disown()
		}
		m.data, m.sealed = own, false
	}
	m.data = append(m.data, p...)
	return len(p), nil
}

// Clone returns a second message with the same contents, which share memory.
func (m *Message) Clone() *Message {
	c := new(Message)
	m.CloneInto(c)
	return c
}

// CloneInto makes dst, whose old contents are lost, share m's contents.
func (m *Message) CloneInto(dst *Message) {
	m.sealed = true
	if m.held {
		m.owner.Retain(1)
	}
	*dst = *m
	if m.ext != nil {
		e := extension{header: m.ext.header, frames: m.ext.frames[:len(m.ext.frames):len(m.ext.frames)]}
		dst.ext = &e
	}
}

// Detach returns a copy of the body that shares memory with nothing.
func (m *Message) Detach() []byte {
	own := make([]byte, 0, m.Len())
	for _, f := range m.Frames() {
		own = append(own, f...)
	}
	return own
}

// Release gives the contents back and empties the message. Optional; a second call does nothing.
func (m *Message) Release() {
	owner := m.Owner()
	m.clear()
	if owner != nil {
		owner.Release(1)
	}
}

// clear empties a message whose reference somebody else has now.
func (m *Message) clear() {
	m.data = m.data[:0] // in place: no pointer is written
	switch {
	case cap(m.data) > keep: // which an empty message must not keep from the garbage collector
		m.data, m.owner = nil, nil
	case !m.sealed: // nobody else has seen it: it is written to again
	case !m.held:
		m.data = nil
	}
	m.head, m.held, m.came = 0, false, false
	if m.ext != nil {
		m.ext = nil
	}
}

// Take moves the contents out: m is empty afterwards.
func (m *Message) Take() Message {
	m.sealed = true // the memory goes with the contents
	t := *m
	m.clear()
	return t
}

// Shared reports whether others may have the message's memory too, so that it is not written to again.
func (m *Message) Shared() bool { return m.sealed }

// Origin is where the message came from, or nil.
func (m *Message) Origin() *Origin {
	if !m.came {
		return nil
	}
	return m.origin
}

// SetOrigin says where the message came from.
func (m *Message) SetOrigin(o *Origin) { m.origin, m.came = o, o != nil }

// Owner is the counted memory of the message, or nil.
func (m *Message) Owner() *buf.Chunk {
	if !m.held {
		return nil
	}
	return m.owner
}

func (m *Message) disown() {
	if m.held {
		m.held = false
		m.owner.Release(1)
	}
}

func (m *Message) extend() *extension {
	if m.ext == nil {
		m.ext = new(extension)
	}
	return m.ext
}
