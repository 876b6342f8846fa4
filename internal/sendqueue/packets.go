// SPDX-License-Identifier: MIT

package sendqueue

import (
	"slices"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

// handOver is the body size from which the contents of a message without a header move. Copying less than that is
// cheaper than new memory for the sender's next message, unless others share its memory, which it cannot write to again.
const handOver = byReference

// packets are messages that are not encoded: for links of whole messages, and within the process. They lie in slabs, so
// that none ever moves: moving them to larger ones took a sixth of the time within the process.
type packets struct {
	full   []parcel // of slabs that are used up, in order
	parcel          // of the slab that is being filled
	slab   int      // capacity of the last slab of message values
	span   int      // cost of all messages that were ever put into it
	copies copies
	tail   chunkTail
	packer msg.Packer
}

// A parcel is a run of messages with their total weight.
type parcel struct {
	run []msg.Message
	Weight
}

// A Weight is what messages are charged, in bytes, and how many frames they have after their first ones.
type Weight struct {
	Cost int64
	More int
}

// Add adds another weight.
func (w *Weight) Add(v Weight) {
	w.Cost += v.Cost
	w.More += v.More
}

func (w *Weight) add(s msg.Shape) { w.Add(Weight{int64(s.Cost()), s.More}) }

func (w *Weight) subtract(v Weight) {
	w.Cost -= v.Cost
	w.More -= v.More
}

// Bytes is the length of the headers and frames of n messages that weigh w.
func (w Weight) Bytes(n int) int64 {
	return w.Cost - int64(msg.BaseCost*n+msg.FrameCost*w.More)
}

// put adds a message and returns its cost. Header and body end up behind each other, copied if the body is
// small or borrowed. origin, if not nil, is where its receiver has it from.
func (q *packets) put(header, body []byte, m *msg.Message, origin *msg.Origin) int {
	if len(q.run) == cap(q.run) || q.span >= buf.MaxChunk {
		q.nextSlab()
	}
	q.run = q.run[:len(q.run)+1]
	own := &q.run[len(q.run)-1]
	q.tail.entries++
	shape := msg.ShapeOf(header, body, m)
	q.add(shape)
	size := shape.Cost()
	q.span += size
	if m == nil {
		q.copies.add(own, header, body, origin)
		if origin != nil {
			own.SetOrigin(origin)
		}
		return size
	}
	switch {
	case shape.More == 0 && (shape.Size < handOver && !m.Shared() || len(header) > 0 && shape.Size < byReference):
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
	if c := own.Owner(); c != nil && c != q.copies.chunk {
		q.follow(c, own.StreamSize())
	}
	return size
}

// putAll puts copies of the first of bodies, as far as they cost no more than room together, and at least one. It returns
// their number and cost.
func (q *packets) putAll(header []byte, bodies [][]byte, room int64, origin *msg.Origin) (n int, cost int64) {
	for _, body := range bodies {
		size := msg.BaseCost + len(header) + len(body)
		if n > 0 && int64(size) > room-cost {
			break
		}
		if len(q.run) == cap(q.run) || q.span >= buf.MaxChunk {
			q.nextSlab()
		}
		q.run = q.run[:len(q.run)+1]
		own := &q.run[len(q.run)-1]
		q.copies.add(own, header, body, origin)
		if origin != nil {
			own.SetOrigin(origin)
		}
		q.Cost += int64(size)
		q.span += size
		cost += int64(size)
		n++
	}
	q.tail.entries += n
	return n, cost
}

// nextSlab begins another slab. Slabs grow while they are filled, up to a chunk's worth of messages: a slab keeps the
// contents of messages that were received and not released from the garbage collector.
func (q *packets) nextSlab() {
	if len(q.run) > 0 {
		q.full = append(q.full, q.parcel)
	}
	q.slab = msg.NextSlab(q.slab, q.span/max(len(q.run), 1))
	q.parcel, q.span = parcel{run: msg.NewSlab(q.slab)}, 0
}

func (q *packets) len() int {
	n := len(q.run)
	for i := range q.full {
		n += len(q.full[i].run)
	}
	return n
}

// take takes the messages of the first slab out. Later messages go to its unused rest.
func (q *packets) take() parcel {
	if len(q.full) > 0 {
		first := q.full[0]
		q.full = slices.Delete(q.full, 0, 1)
		return first
	}
	p := q.parcel
	q.parcel = parcel{run: p.run[len(p.run):]}
	return p
}

// takeAll takes all messages out.
func (q *packets) takeAll() (all []msg.Message) {
	for q.len() > 0 {
		all = append(all, q.take().run...)
	}
	return all
}

// drop takes the first message out and returns its cost.
func (q *packets) drop() int {
	first := &q.parcel
	if len(q.full) > 0 {
		first = &q.full[0]
	}
	gone := weigh(first.run[:1])
	first.subtract(gone)
	first.run[0].Release()
	first.run[0] = msg.Message{} // its neighbours keep it in memory
	if first.run = first.run[1:]; len(first.run) == 0 && len(q.full) > 0 {
		q.full = slices.Delete(q.full, 0, 1)
	}
	return int(gone.Cost)
}

// idle gives memory back that a quiet link does not need.
func (q *packets) idle() {
	if q.copies.size > buf.MinChunk {
		q.copies.end()
	}
	q.packer.End()
}

func (q *packets) reset() {
	for q.len() > 0 {
		msg.ReleaseAll(q.take().run)
	}
	q.copies.end()
	q.packer.End()
	*q = packets{}
}

// weigh returns what queued messages weigh: as their shapes said before they were queued.
func weigh(run []msg.Message) (w Weight) {
	for i := range run {
		n, more := run[i].Contents()
		w.add(msg.Shape{Size: n, More: more})
	}
	return w
}

// clean returns run without routing headers and origins.
func clean(run []msg.Message) []msg.Message {
	out := make([]msg.Message, 0, len(run))
	for i := range run {
		out = append(out, run[i].Bare())
	}
	return out
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

// end releases the chunk; its messages keep it for as long as they need it.
func (c *copies) end() {
	if c.chunk != nil {
		c.chunk.Release(c.refs + 1)
	}
	*c = copies{}
}
