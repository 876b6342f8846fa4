// SPDX-License-Identifier: MIT

package msg

import "github.com/sprymq/spry/internal/buf"

const (
	minPack = 4 << 10  // size of a packer's first chunk
	maxPack = 64 << 10 // and of its largest ones
)

// A Packer moves messages out of chunks that little of is needed, behind each other into chunks of its own.
type Packer struct {
	chunk *buf.Chunk
	used  int
}

// Pack moves those messages of run that lie in the chunk with this use (see [buf.Chunk.Use]). Chunks of the packer have at
// most limit bytes, except for a message that needs more. No other code may have a pointer to the messages yet.
func (p *Packer) Pack(run []Message, use uint64, limit int) {
	var left Releaser
	for i := range run {
		m := &run[i]
		switch {
		case !m.held || m.chunk.Use() != use:
		case m.ext != nil:
			m.detach()
		default:
			from := m.chunk
			p.move(m, limit)
			left.addOne(from)
		}
	}
	left.Flush()
}

// move copies the message's part of its chunk. The reference of that is left to the caller.
func (p *Packer) move(m *Message, limit int) {
	part := m.data()
	c, at := p.room(len(part), m.chunk.From, limit)
	copy(c.Data[at:], part)
	m.chunk, m.from = c, uint32(at)
}

// room returns memory for n bytes in a chunk, with a reference, for messages from a place.
func (p *Packer) room(n int, from any, limit int) (c *buf.Chunk, at int) {
	limit = min(max(limit, minPack), maxPack)
	if n > limit/4 {
		c = buf.NewChunk(n)
		c.From = from
		return c, 0
	}
	if p.chunk != nil && p.chunk.Unshared() {
		p.used = 0
		p.chunk.From = from
	}
	if p.chunk == nil || n > len(p.chunk.Data)-p.used || p.chunk.From != from {
		size := minPack
		if p.chunk != nil {
			size = min(4*len(p.chunk.Data), limit)
		}
		p.End()
		p.chunk = buf.NewChunk(max(size, n))
		p.chunk.From = from
	}
	at = p.used
	p.used += n
	p.chunk.Retain(1)
	return p.chunk, at
}

// Used reports whether the packer has memory to release.
func (p *Packer) Used() bool { return p.chunk != nil }

// End releases the packer's memory; its messages keep it for as long as they need it.
func (p *Packer) End() {
	if p.chunk != nil {
		p.chunk.Release(1)
		*p = Packer{}
	}
}
