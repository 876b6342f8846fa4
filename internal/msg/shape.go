// SPDX-License-Identifier: MIT

package msg

// A Shape is the size of a message to be sent: what decides which pipes can carry it, and what their queues charge for it.
type Shape struct {
	Size int // in bytes, the routing header included
	More int // frames after the first
}

// Cost is what a message of this shape is charged in a queue, in bytes: its contents, its structure, and the structures of
// its further frames. What the dialect puts before it comes on top.
func (s Shape) Cost() int { return BaseCost + s.Size + FrameCost*s.More }

// ShapeOf is the shape of body, or of the contents of m if that is not nil, behind header.
func ShapeOf(header, body []byte, m *Message) Shape {
	if m != nil {
		return m.Shape(len(header))
	}
	return Shape{Size: len(header) + len(body)}
}

// Shape is the shape of the message's contents behind a header of so many bytes. It is not inlined, so that ShapeOf is.
//
//go:noinline
func (m *Message) Shape(header int) Shape {
	body, more := m.Bodies()
	return Shape{header + body, more}
}
