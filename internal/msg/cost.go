// SPDX-License-Identifier: MIT

package msg

import "unicode/utf8"

// The memory of a message in addition to its bytes, on a 64-bit machine. Limits of queues include it, so that messages and
// frames without bytes are not free.
const (
	// BaseCost is charged for every message, in addition to its header, body and further frames, in bytes: for its
	// structure, and its share of the lists of queued messages.
	BaseCost = 64
	// FrameCost is charged for each frame after the first, in addition to its bytes.
	FrameCost = 24

	extensionCost = 48
	partsCost     = 48
	compactSlack  = 256 // unused memory that is not worth a copy
)

// Cost is how much memory the message takes, in bytes: its header, its frames and its structures. It counts a shared
// chunk with the part that the message uses; see [Message.Compact] for the rest.
func (m *Message) Cost() int {
	if m.ext == nil {
		return BaseCost + int(m.size)
	}
	return BaseCost + m.extendedCost()
}

// extendedCost is apart from Cost so that the compiler inlines that.
func (m *Message) extendedCost() int {
	n := extensionCost + len(m.ext.data)
	if m.ext.data == nil {
		n += len(m.data())
	}
	if x := m.ext.more; x != nil {
		n += partsCost + len(x.header) + FrameCost*len(x.frames)
		for _, f := range x.frames {
			n += len(f)
		}
	}
	return n
}

// Bodies is the length of all frames, in bytes, and the number of frames after the first.
func (m *Message) Bodies() (bytes, more int) {
	switch e := m.ext; {
	case e == nil:
		return int(m.size) - int(m.head), 0
	case e.more == nil && e.data != nil:
		return len(e.data) - int(m.head), 0
	}
	return m.extendedLen(), len(m.rest())
}

// Contents is the length of the header and of all frames, in bytes, and the number of frames after the first.
func (m *Message) Contents() (bytes, more int) {
	if m.ext == nil {
		return int(m.size), 0
	}
	return m.extendedContents()
}

// extendedContents is apart from Contents so that the compiler inlines that.
func (m *Message) extendedContents() (bytes, more int) {
	if m.ext.more == nil {
		return len(m.data()), 0
	}
	return m.bytes(), len(m.rest())
}

// StreamSize is about how many bytes of its stream a received message took: with its header and frames, and the dialect's
// framing.
func (m *Message) StreamSize() int {
	if m.ext == nil {
		return streamHead + int(m.size)
	}
	return m.extendedStreamSize()
}

// extendedStreamSize is apart from StreamSize so that the compiler inlines that.
func (m *Message) extendedStreamSize() int { return streamHead + m.bytes() + streamFrame*len(m.rest()) }

const (
	streamHead  = 16
	streamFrame = 8
)

// Retained is how much memory the message keeps from the garbage collector, in bytes, and is at least its Cost: where it
// uses a part of a chunk, that is the whole chunk.
func (m *Message) Retained() int {
	n := m.Cost()
	switch {
	case m.held:
		n += max(0, len(m.chunk.Data)-m.bytes())
	case m.ext != nil:
		n += cap(m.ext.data) - len(m.ext.data)
	}
	return n
}

// bytes is the length of the header and of all frames.
func (m *Message) bytes() int { return len(m.Header()) + m.Len() }

// Compact gives the message memory of its own if it keeps more than twice its Cost, and a little, alive. It is for messages
// that are kept for long: a small one would keep all else that was read together with it. It changes neither contents nor
// origin, and does not affect clones.
func (m *Message) Compact() {
	if m.Retained() > 2*m.Cost()+compactSlack {
		m.detach()
	}
}

// Trim is Compact for a message that is not in counted memory: the application may have made room for much more than it wrote.
func (m *Message) Trim() {
	if e := m.ext; e != nil && cap(e.data)-len(e.data) > compactSlack && !m.held {
		m.Compact()
	}
}

// detach copies all contents to memory of the message's own.
func (m *Message) detach() {
	origin, header := m.Origin(), []byte(nil)
	old := m.ext
	data := m.data()
	if old != nil && old.more != nil && old.more.header != nil { // which replaces the one in data
		header = old.more.header
		data, m.head = data[m.head:], 0
	}
	own := make([]byte, 0, m.Len()+int(m.head)+len(header))
	copied := func(b []byte) []byte {
		from := len(own)
		own = append(own, b...)
		return own[from:len(own):len(own)]
	}
	e := &extension{data: copied(data), origin: origin, sealed: true}
	if old != nil && old.more != nil {
		e.more = &parts{frames: make([][]byte, 0, len(old.more.frames))} // clones share the old one
		if header != nil {
			e.more.header = copied(header)
		}
		for _, f := range old.more.frames {
			e.more.frames = append(e.more.frames, copied(f))
		}
	}
	owner := m.Owner()
	m.ext, m.chunk, m.size, m.from, m.held = e, nil, 0, 0, false
	if owner != nil {
		owner.Release(1)
	}
}

// A Shape is the size of a message to be sent: what decides which pipes can carry it, and what their queues charge for it.
type Shape struct {
	Size int // in bytes, the routing header included
	More int // frames after the first

	body []byte // or of, for links that carry text only
	of   *Message
}

// IsText reports whether the message's first frame is UTF-8. It reads the contents, so that they must still be there.
func (s Shape) IsText() bool {
	if s.of != nil {
		return utf8.Valid(s.of.Body())
	}
	return utf8.Valid(s.body)
}

// Cost is the charge of a message of this shape in a queue, in bytes: its contents, its structure, and the structures of its
// further frames. The dialect's framing is added to it.
func (s Shape) Cost() int { return BaseCost + s.Size + FrameCost*s.More }

// ShapeOf is the shape of body, or of the contents of m if that is not nil, behind header.
func ShapeOf(header, body []byte, m *Message) Shape {
	if m != nil {
		return m.Shape(len(header))
	}
	return Shape{Size: len(header) + len(body), body: body}
}

// Shape is the shape of the message's contents behind a header of that many bytes. It is not inlined, so that ShapeOf is.
//
//go:noinline
func (m *Message) Shape(header int) Shape {
	body, more := m.Bodies()
	return Shape{Size: header + body, More: more, of: m}
}
