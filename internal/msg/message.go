// SPDX-License-Identifier: MIT

// Package msg has the message: a body, perhaps a routing header, and where it came from.
package msg

import (
	"context"
	"iter"
	"math"

	"github.com/sprymq/spry/internal/buf"
)

// An Origin names the pipe that a message came from. Each pipe has one and every message of it points
// there, which keeps a Message small and this package free of the engine.
type Origin struct {
	Pipe    any
	Request any // of the one message that has this origin, if that is a request to be replied to
	Passed  *Passed
}

// Passed is what interceptors left with a received message, whose origin then is of its own.
type Passed struct {
	Context context.Context // nil = none
	Before  bool            // the message passed them and then returned to its queue
}

// Passed is what interceptors left with the message, or nil.
func (m *Message) Passed() *Passed {
	if o := m.Origin(); o != nil {
		return o.Passed
	}
	return nil
}

// SetPassed gives the message an origin of its own with p.
func (m *Message) SetPassed(p Passed) {
	own := new(Origin)
	if o := m.Origin(); o != nil {
		*own = *o
	}
	own.Passed = &p
	m.SetOrigin(own)
}

// A Message is what sockets exchange. The zero value is an empty message.
//
// A received message is a part of a chunk, routing header first. Data of its own, and attributes that few messages have, are
// in its extension. Messages share memory: after a message was sent, received or cloned, its data is never written again.
//
// A received message has 32 bytes, and only one pointer in it is written. held says whether that pointer counts, so that
// emptying a message writes no pointer. While the garbage collector works, writing pointers is the largest cost of a small
// message; see BenchmarkPipeline.
type Message struct {
	chunk *buf.Chunk // counted memory, if held
	ext   *extension
	size  uint32 // of the part of chunk; larger parts are in ext
	tag   uint32 // the address that the application has the message at; see Stamp
	from  uint32 // where the part begins
	head  uint16 // length of the routing header before the body
	held  bool   // the message has a reference of chunk
	came  bool   // from the origin of ext, or else of chunk
}

// keep is the largest memory of its own that an emptied message keeps.
const keep = 16 << 10

// An extension holds what few received messages have.
type extension struct {
	data   []byte // if not nil, replaces the part of chunk
	origin *Origin
	more   *parts
	sealed bool // data may be shared: Write must copy first
}

// parts are what few messages have at all.
type parts struct {
	header []byte   // if not nil, replaces data[:head]
	frames [][]byte // frames after the first
}

// extended is a message with its extension, made with one allocation.
type extended struct {
	Message
	extension
}

func newExtended(e extension) *Message {
	m := &extended{extension: e}
	m.ext = &m.extension
	return &m.Message
}

// New returns an empty message with room for capacity bytes.
func New(capacity int) *Message {
	return newExtended(extension{data: make([]byte, 0, max(capacity, 0))})
}

// Around returns a message around body without copying it.
func Around(body []byte) *Message { return newExtended(extension{data: body, sealed: true}) }

// Wrap returns a message around body without copying it. release, if not nil, runs exactly once, when
// neither the message, nor a clone, nor a queue needs body any longer.
func Wrap(body []byte, release func()) *Message {
	if release == nil {
		return Around(body)
	}
	m := new(Message)
	m.hold(buf.Wrap(body, release), body)
	return m
}

// WrapForeign is Wrap for a callback of the user, which runs under no lock: see [buf.WrapForeign].
func WrapForeign(body []byte, release func()) *Message {
	m := new(Message)
	m.hold(buf.WrapForeign(body, release), body)
	return m
}

// hold makes m, which must be empty, the beginning of chunk, and takes a reference.
func (m *Message) hold(chunk *buf.Chunk, body []byte) {
	m.chunk, m.held = chunk, true
	if uint64(len(body)) > math.MaxUint32 {
		m.ext = &extension{data: body, sealed: true}
		return
	}
	m.size = uint32(len(body))
}

// Of returns a message, as a value, with the body data, which the message then owns.
func Of(data []byte) Message { return Message{ext: &extension{data: data, sealed: true}} }

// Copy returns a message, as a value, with a copy of body.
func Copy(body []byte) (m Message) {
	chunk := buf.Copy(body)
	m.hold(chunk, chunk.Data[:len(body)])
	return m
}

// OfFrames returns a message, as a value, of these frames, at least one. The message owns them.
func OfFrames(frames [][]byte) Message {
	m := Of(frames[0])
	if len(frames) > 1 {
		m.ext.more = &parts{frames: frames[1:]}
	}
	return m
}

// OfParts returns a message, as a value, with copies of this routing header and body.
func OfParts(header, body []byte) Message {
	m := Copy(body)
	if len(header) > 0 {
		m.SetHeader(append([]byte(nil), header...))
	}
	return m
}

// Received returns a message, as a value, that arrived whole from a pipe. It owns data; the first head bytes of data are the
// routing header.
func Received(data []byte, head int, o *Origin) Message {
	m := Message{ext: &extension{data: data[head:], origin: o, sealed: true}, came: true}
	if head > 0 {
		m.SetHeader(data[:head:head])
	}
	return m
}

// Share makes m, which must be empty, a part of chunk: from begin to end, where the routing header's head bytes are first.
// The caller gives one of the chunk's references.
func (m *Message) Share(chunk *buf.Chunk, begin, end, head int) {
	m.chunk, m.held, m.head = chunk, true, uint16(head)
	if uint64(end) > math.MaxUint32 {
		m.ext = &extension{data: chunk.Data[begin:end], sealed: true}
		return
	}
	m.size, m.from = uint32(end-begin), uint32(begin)
}

// Bare takes the contents out, as Take does, without the routing header and where they came from.
func (m *Message) Bare() (t Message) {
	m.BareInto(&t)
	return t
}

// BareInto is Bare to where dst is, which must be the zero Message. Filling it in place saves a copy and writing pointers
// that are not there: a seventh of what handing a message over costs within the process.
func (m *Message) BareInto(dst *Message) {
	if m.held {
		dst.chunk, dst.held = m.chunk, true
		dst.from, dst.size = m.from+uint32(m.head), m.size-uint32(m.head)
	}
	if e := m.ext; e != nil {
		dst.ext, m.ext = e, nil
		if m.head > 0 && e.data != nil {
			e.data = e.data[m.head:]
		}
		if e.origin != nil {
			e.origin = nil
		}
		if e.more != nil {
			e.more.header = nil
		}
	}
	m.clear()
}

// data is the routing header, unless the extension has one, and the body.
func (m *Message) data() []byte {
	switch {
	case m.ext != nil && m.ext.data != nil:
		return m.ext.data
	case m.held:
		return m.chunk.Data[m.from : int(m.from)+int(m.size)]
	}
	return nil
}

// Body is the first frame.
func (m *Message) Body() []byte {
	data := m.data()
	return data[m.head:len(data):len(data)]
}

// Bytes is the body, read-only; several frames are joined.
func (m *Message) Bytes() []byte {
	if !m.Multipart() {
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
	if m.ext == nil {
		return int(m.size) - int(m.head)
	}
	return m.extendedLen()
}

// extendedLen is apart from Len so that the compiler puts that where it is called.
func (m *Message) extendedLen() int {
	n := len(m.data()) - int(m.head)
	if m.ext.more != nil {
		for _, f := range m.ext.more.frames {
			n += len(f)
		}
	}
	return n
}

// Multipart reports whether the message has more than one frame.
func (m *Message) Multipart() bool {
	return m.ext != nil && m.ext.more != nil && len(m.ext.more.frames) > 0
}

// Count is the number of frames.
func (m *Message) Count() int {
	return 1 + len(m.rest())
}

// Frames yields the frames in order.
func (m *Message) Frames() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if !yield(0, m.Body()) {
			return
		}
		for i, f := range m.rest() {
			if !yield(i+1, f) {
				return
			}
		}
	}
}

// AppendFrame adds a frame after the last one. The first frame of a message is its body, so that a new
// message of n frames is made by one Write and n-1 calls of AppendFrame. p is copied.
func (m *Message) AppendFrame(p []byte) {
	x := m.parts()
	x.frames = append(x.frames, append([]byte(nil), p...))
}

// Reframe removes the first cut frames and leaves at least one, or prepends the frames of envelope, which the message then
// owns. It also replaces the header.
func (m *Message) Reframe(header []byte, envelope [][]byte, cut int) {
	frames := make([][]byte, 0, len(envelope)+m.Count())
	frames = append(frames, envelope...)
	for i, f := range m.Frames() {
		if i >= cut {
			frames = append(frames, f)
		}
	}
	m.ext = &extension{data: frames[0], origin: m.Origin(), more: &parts{header, frames[1:]}, sealed: true}
	m.from, m.size, m.head = 0, 0, 0 // counted memory stays: other frames may lie there
}

// SetFrames replaces all frames by these, which the message then owns. They may be parts of the old ones.
func (m *Message) SetFrames(frames [][]byte) {
	if len(frames) == 0 {
		frames = [][]byte{nil}
	}
	header := m.Header()
	if len(header) == 0 {
		header = nil
	}
	m.Reframe(header, frames, m.Count())
}

// Header is the routing header, which a raw socket shows. Read-only.
func (m *Message) Header() []byte {
	if m.ext != nil && m.ext.more != nil && m.ext.more.header != nil {
		return m.ext.more.header
	}
	return m.data()[:m.head:m.head]
}

// SetHeader replaces the routing header by h, which the message owns from now on.
func (m *Message) SetHeader(h []byte) { m.parts().header = h }

// Write appends p to the first frame. It never fails.
func (m *Message) Write(p []byte) (int, error) {
	if m.ext == nil || m.ext.data == nil || m.ext.sealed {
		m.own(len(p))
	}
	m.ext.data = append(m.ext.data, p...)
	return len(p), nil
}

// own gives the message data of its own, with room for n bytes more.
func (m *Message) own(n int) {
	e := m.extend()
	e.origin = m.Origin()
	data := m.data()
	e.data, e.sealed = append(make([]byte, 0, len(data)+n), data...), false
	if m.held && !m.Multipart() { // else the other frames may lie there too
		m.held = false
		m.chunk.Release(1)
	}
}

// Clone returns a second message with the same contents, which share memory.
func (m *Message) Clone() *Message {
	c := new(Message)
	m.CloneInto(c)
	return c
}

// CloneInto makes dst share m's contents; its old contents are lost.
func (m *Message) CloneInto(dst *Message) {
	if m.held {
		m.chunk.Retain(1)
	}
	*dst = *m
	if m.ext != nil {
		m.ext.sealed = true
		e := *m.ext
		if x := e.more; x != nil {
			e.more = &parts{header: x.header, frames: x.frames[:len(x.frames):len(x.frames)]}
		}
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

// Release gives the contents back and empties the message. Optional; a second call does nothing. It runs no callback of the
// user, so that it may be called under locks.
func (m *Message) Release() {
	owner := m.Owner()
	m.clear()
	if owner != nil {
		owner.Release(1)
	}
}

// clear empties a message after its reference has passed to another owner.
func (m *Message) clear() {
	if m.size > buf.MaxStale {
		m.chunk = nil
	}
	m.size, m.head, m.held, m.came = 0, 0, false, false
	if m.ext != nil {
		m.clearExtension()
	}
}

// clearExtension keeps the memory of data that was never shared, to be written again.
func (m *Message) clearExtension() {
	e := m.ext
	if e.sealed || e.data == nil || cap(e.data) > keep {
		m.ext = nil
		return
	}
	e.data = e.data[:0] // in place: no pointer is written
	if e.more != nil || e.origin != nil {
		e.more, e.origin = nil, nil
	}
}

// Take moves the contents out: m is empty afterwards.
func (m *Message) Take() Message {
	t := *m
	m.ext = nil // the memory goes with the contents
	m.clear()
	return t
}

// Shared reports whether others may have the message's memory too, so that it is not written to again.
func (m *Message) Shared() bool { return m.held || m.ext != nil && m.ext.sealed }

// Origin is where the message came from, or nil.
func (m *Message) Origin() *Origin {
	switch {
	case !m.came:
		return nil
	case m.ext != nil && m.ext.origin != nil:
		return m.ext.origin
	}
	o, _ := m.chunk.From.(*Origin)
	return o
}

// SetOrigin says where the message came from.
func (m *Message) SetOrigin(o *Origin) {
	m.came = o != nil
	if m.came && (!m.held || m.ext != nil || m.chunk.From != any(o)) {
		m.extend().origin = o
	}
}

// Owner is the counted memory of the message, or nil.
func (m *Message) Owner() *buf.Chunk {
	if !m.held {
		return nil
	}
	return m.chunk
}

func (m *Message) extend() *extension {
	if m.ext == nil {
		m.ext = new(extension)
	}
	return m.ext
}

func (m *Message) parts() *parts {
	e := m.extend()
	if e.more == nil {
		e.more = new(parts)
	}
	return e.more
}

// rest is the frames after the first.
func (m *Message) rest() [][]byte {
	if !m.Multipart() {
		return nil
	}
	return m.ext.more.frames
}
