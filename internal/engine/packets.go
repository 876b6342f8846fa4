// SPDX-License-Identifier: MIT

package engine

import (
	"slices"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

// handOver is the body size from which the contents of a message without a header move. Copying less than that is
// cheaper than new memory for the sender's next message, unless its memory is not for that.
const handOver = 256

// packets are messages that are not encoded: for links of whole messages, and within the process. They lie in slabs, so
// that none ever moves: moving them to larger ones took a sixth of the time within the process.
type packets struct {
	full   [][]msg.Message // slabs that are used up, in order
	run    []msg.Message   // in the slab that is being filled
	slab   int             // capacity of the last slab of message values
	span   int             // bytes of the messages in it
	copies copies
	tail   chunkTail
	packer msg.Packer
}

// put adds a message and returns its cost. Header and body end up behind each other, copied if the body is
// small or borrowed. origin, if not nil, is where its receiver has it from.
func (q *packets) put(header, body []byte, m *msg.Message, origin *msg.Origin) int {
	if len(q.run) == cap(q.run) || q.span >= maxChunk {
		q.nextSlab()
	}
	q.run = q.run[:len(q.run)+1]
	own := &q.run[len(q.run)-1]
	q.tail.entries++
	if m == nil {
		q.copies.add(own, header, body, origin)
		if origin != nil {
			own.SetOrigin(origin)
		}
		size := msg.BaseCost + len(header) + len(body)
		q.span += size
		return size
	}
	size := sizeOfMessage(header, m)
	switch {
	case !m.Multipart() && (m.Len() < handOver && !m.Shared() || len(header) > 0 && m.Len() < byReference):
		q.copies.add(own, header, m.Body(), origin)
		m.Release() // which leaves it the memory for its next contents
	case len(header) == 0:
		m.Trim()
		m.BareInto(own) // it may have come with a header, which is not for this peer
	default:
		m.Trim()
		*own = m.Take()
		own.SetHeader(append([]byte(nil), header...))
	}
	if origin != nil {
		own.SetOrigin(origin)
	}
	q.span += size
	q.follow()
	return size
}

// nextSlab begins another slab. Slabs grow while they are filled. One is not for more than a chunk's worth of messages: it
// keeps the contents of those that were received and not released from the garbage collector.
func (q *packets) nextSlab() {
	if len(q.run) > 0 {
		q.full = append(q.full, q.run)
	}
	each := 1
	if n := len(q.run); n > 0 {
		each = max(1, q.span/n)
	}
	q.slab = min(max(q.slab*4, minSlab), maxSlab, 1+maxChunk/each)
	q.run, q.span = make([]msg.Message, 0, q.slab), 0
}

func (q *packets) len() int {
	n := len(q.run)
	for _, run := range q.full {
		n += len(run)
	}
	return n
}

// take takes the messages of the first slab out. What comes later goes to the unused rest of it.
func (q *packets) take() []msg.Message {
	if len(q.full) > 0 {
		run := q.full[0]
		q.full = slices.Delete(q.full, 0, 1)
		return run
	}
	run := q.run
	q.run = run[len(run):]
	return run[:len(run):len(run)]
}

// takeAll takes all messages out.
func (q *packets) takeAll() (all []msg.Message) {
	for q.len() > 0 {
		all = append(all, q.take()...)
	}
	return all
}

// drop takes the first message out and returns its cost.
func (q *packets) drop() int {
	first := &q.run
	if len(q.full) > 0 {
		first = &q.full[0]
	}
	n := costOf(&(*first)[0])
	(*first)[0].Release()
	(*first)[0] = msg.Message{} // its neighbours keep it in memory
	if *first = (*first)[1:]; len(*first) == 0 && len(q.full) > 0 {
		q.full = slices.Delete(q.full, 0, 1)
	}
	return n
}

// idle gives memory back that a quiet link does not need.
func (q *packets) idle() {
	if q.copies.size > minChunk {
		q.copies.end()
	}
	q.packer.End()
}

func (q *packets) reset() {
	for q.len() > 0 {
		msg.ReleaseAll(q.take())
	}
	q.copies.end()
	q.packer.End()
	*q = packets{}
}

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
		size := min(max(4*c.size, minChunk), maxCopies)
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

// costOf is what a queue is charged for a message of its own: as SizeOf said before it was queued.
func costOf(m *msg.Message) int {
	n, more := m.Contents()
	return msg.BaseCost + n + msg.FrameCost*more
}

// weigh returns what a queue is charged for a run, and the bytes of its headers and frames.
func weigh(run []msg.Message) (cost, bytes int64) {
	frames := 0
	for i := range run {
		n, more := run[i].Contents()
		bytes += int64(n)
		frames += more
	}
	return bytes + int64(msg.BaseCost*len(run)+msg.FrameCost*frames), bytes
}

// clean returns run as messages that belong to nobody: without routing header and origin.
func clean(run []msg.Message) []msg.Message {
	out := make([]msg.Message, 0, len(run))
	for i := range run {
		out = append(out, run[i].Bare())
	}
	return out
}
