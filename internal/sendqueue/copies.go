// SPDX-License-Identifier: MIT

package sendqueue

import (
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

// copies puts small bodies behind each other into chunks. Their references are counted for many messages at a time.
type copies struct {
	chunk *buf.Chunk
	used  int // bytes
	refs  int // references that were taken and not given to a message yet
	size  int // of the chunk: larger ones the more there are
}

const (
	maxCopies = 256 << 10
	copyRefs  = 1 << 20
)

// add makes m a copy of header and body.
func (c *copies) add(m *msg.Message, header, body []byte, origin *msg.Origin) {
	n := len(header) + len(body)
	if n >= maxCopies/4 {
		*m = msg.OfParts(header, body)
		return
	}
	if c.chunk == nil || n > len(c.chunk.Data)-c.used {
		size := min(max(4*c.size, buf.MinChunk), maxCopies)
		for size < n {
			size *= 4
		}
		c.end()
		c.chunk, c.refs, c.size = buf.NewChunk(size), copyRefs, size
		c.chunk.From = origin
		c.chunk.Retain(copyRefs)
	}
	begin := c.used
	c.used += copy(c.chunk.Data[c.used:], header)
	c.used += copy(c.chunk.Data[c.used:], body)
	c.refs--
	m.Share(c.chunk, begin, c.used, len(header))
}

// end lets go of the chunk, which its messages keep for as long as they need it.
func (c *copies) end() {
	if c.chunk != nil {
		c.chunk.Release(c.refs + 1)
	}
	*c = copies{}
}
