// SPDX-License-Identifier: MIT

package engine

import (
	"fmt"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// A Shape is what decides which pipes can carry a message, however much room their queues have.
type Shape struct {
	Size int // in bytes, the routing header included
	More int // frames after the first
}

// Cost is what a message of this shape is charged in a queue, in bytes: its contents, its structure, and the structures of
// its further frames. What the dialect puts before it comes on top.
func (s Shape) Cost() int { return msg.BaseCost + s.Size + msg.FrameCost*s.More }

// ShapeOf is the shape of body, or of the contents of m if that is not nil, behind header.
func ShapeOf(header, body []byte, m *msg.Message) Shape {
	if m != nil {
		return shapeOfMessage(len(header), m)
	}
	return Shape{Size: len(header) + len(body)}
}

// shapeOfMessage is apart from ShapeOf so that the compiler inlines that.
//
//go:noinline
func shapeOfMessage(header int, m *msg.Message) Shape {
	body, more := m.Bodies()
	return Shape{header + body, more}
}

// Fits reports whether the pipe can carry a message of this shape. [Pipe.Unfit] says why it cannot.
func (p *Pipe) Fits(s Shape) bool {
	return (p.limit == 0 || int64(s.Size) <= p.limit) && (s.More == 0 || p.session.Multipart != nil)
}

// Unfit says why the pipe can never carry a message of this shape: [ErrMultipart] or [ErrTooLarge]. It returns nil if the
// pipe can.
func (p *Pipe) Unfit(s Shape) error {
	switch {
	case p.Fits(s):
		return nil
	case s.More > 0 && p.session.Multipart == nil:
		return ErrMultipart
	}
	return fmt.Errorf("%w: it has %d bytes, the routing header included, and the link to %s takes %d",
		ErrTooLarge, s.Size, addrString(p.RemoteAddr()), p.limit)
}

// NoneFits says why none of several pipes can ever carry a message of this shape. It returns nil if one can, or if there
// are no pipes. Of several limits the error names the largest.
func NoneFits(pipes []*Pipe, s Shape) error {
	var best *Pipe
	for _, p := range pipes {
		if p.Fits(s) {
			return nil
		}
		if best == nil || p.limit > best.limit {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	return best.Unfit(s)
}

// limitOf is the largest message that a link carries, in bytes; 0 = no limit. Only links of whole messages have one.
func limitOf(link transport.Messages) int64 { return max(link.Info().MaxMessage, 0) }
