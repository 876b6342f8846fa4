// SPDX-License-Identifier: MIT

package msg

import (
	"math"
	"sync"
	"unsafe"

	"github.com/sprymq/spry/internal/buf"
)

// A Batch collects the messages that one read brought. It fills a slab of Message values, which are handed
// out by pointer, and are used a second time only if no application has seen one: see [Reuse].
type Batch struct {
	Msgs  []Message  // decoded; at most cap(Msgs)
	Chunk *buf.Chunk // the data points into it; the receiver of the batch retains it once for all messages

	// Expired counts messages that were dropped for having come over too many hops.
	Expired int

	frames int // of Msgs, without their first ones
}

// maxFrames is the number of frames, not counting first ones, at which a batch is full. A frame takes two bytes of a stream
// and [FrameCost] of memory, so the frames of one chunk could exceed the limit of a queue many times.
const maxFrames = 4 << 10

// Full reports whether the slab is used up, or the messages have as many frames as may be decoded before they are handed on.
func (b *Batch) Full() bool { return len(b.Msgs) == cap(b.Msgs) || b.frames >= maxFrames }

// The lengths of slabs: one for an idle connection, and one that fills a size class of 16 KiB.
const (
	minSlab = 8
	maxSlab = 511
)

// NextSlab is how many messages, of size bytes each, the slab after one of last messages has. Slabs grow while they are
// filled, up to a chunk's worth of messages: a slab keeps the contents of messages that were received and not released from
// the garbage collector.
func NextSlab(last, size int) int {
	return min(max(last*4, minSlab), maxSlab, 1+buf.MaxChunk/max(size, 1))
}

// A Slab is as many values as one receiver may take at once, and then gives up at once: see [Reuse].
type Slab [64]Message

// slabs are unused slabs. They belong to the process and not to a pipe, as chunks do.
var slabs sync.Pool

// NewSlab returns room for n messages, or for fewer if it has values to be used again.
func NewSlab(n int) []Message {
	if n >= len(Slab{}) {
		if s, _ := slabs.Get().(*Slab); s != nil {
			return s[:0]
		}
	}
	return make([]Message, 0, n)
}

// Reuse gives up a Slab of released messages. No other code may have a pointer to one of them.
func Reuse(run []Message) {
	clear(run)
	slabs.Put((*Slab)(run))
}

// Next takes the messages out. Later ones go to the unused rest of the slab.
func (b *Batch) Next() (run []Message) {
	run = b.Msgs
	b.Msgs, b.frames = run[len(run):], 0
	return run
}

// Add appends a message: data is the routing header, of head bytes, and the body. The batch must not be full. data must be a
// part of Chunk; the caller counts the references when decoding is done.
func (b *Batch) Add(data []byte, head int) {
	b.Msgs = b.Msgs[:len(b.Msgs)+1]
	m := &b.Msgs[len(b.Msgs)-1] // zero, and filled in place: a composite literal would be built and then copied
	m.chunk, m.held, m.came = b.Chunk, true, true
	from := uintptr(unsafe.Pointer(unsafe.SliceData(data))) - uintptr(unsafe.Pointer(unsafe.SliceData(b.Chunk.Data)))
	if from < uintptr(len(b.Chunk.Data)) && uint64(from)+uint64(len(data)) <= math.MaxUint32 && head <= math.MaxUint16 {
		m.from, m.size, m.head = uint32(from), uint32(len(data)), uint16(head)
		return
	}
	m.ext = &extension{data: data[head:], sealed: true}
	if head > 0 {
		m.SetHeader(data[:head:head])
	}
}

// AddFrames appends a message of these frames, at least one, with its own routing header, which may be nil. Each frame is a
// part of Chunk or memory that has no other user; the slice frames is not kept.
func (b *Batch) AddFrames(header []byte, frames [][]byte) {
	b.Add(frames[0], 0)
	if m := &b.Msgs[len(b.Msgs)-1]; header != nil || len(frames) > 1 {
		m.extend().more = &parts{header, append(make([][]byte, 0, len(frames)-1), frames[1:]...)}
		b.frames += len(frames) - 1
	}
}

// ReleaseAll releases every message of a run, which must not be used again. References of one chunk are released together.
// The run keeps no memory beside it alive.
func ReleaseAll(run []Message) {
	var r Releaser
	for i := range run {
		r.Add(&run[i])
	}
	r.Flush()
	clear(run)
}

// ReleaseEach releases messages that the application returns, skipping nil ones. References of one chunk are released
// together.
func ReleaseEach(ms []*Message) {
	r := Releaser{Here: true}
	for _, m := range ms {
		if m != nil {
			m.dropCopy()
			r.Add(m)
		}
	}
	r.Flush()
}

// A Releaser releases messages. It gathers the references of those that lie in one chunk until Flush.
type Releaser struct {
	chunk *buf.Chunk
	refs  int
	Here  bool // callbacks of the user may run in Add and Flush
}

// Add empties m, which must not be used again.
func (r *Releaser) Add(m *Message) {
	if m.held {
		r.addOne(m.chunk)
	}
	m.clear()
}

// addOne adds one reference.
func (r *Releaser) addOne(c *buf.Chunk) {
	if c != r.chunk {
		r.Flush()
		r.chunk = c
	}
	r.refs++
}

// Flush releases the references of all messages that were added.
func (r *Releaser) Flush() {
	if r.refs == 0 {
		return
	}
	if r.Here {
		r.chunk.ReleaseHere(r.refs)
	} else {
		r.chunk.Release(r.refs)
	}
	r.refs = 0
}

// A Span describes the first messages of a run that lie in the same chunk, or in none.
type Span struct {
	Chunk    *buf.Chunk // nil = none
	Messages int
	Cost     int64
	Stream   int // their StreamSize; not counted without a chunk
}

// FirstSpan returns the first span of a run, which is not empty.
func FirstSpan(run []Message) Span {
	s := Span{Chunk: run[0].Owner()}
	bytes, extended := 0, 0
	for i := range run {
		m := &run[i]
		if m.Owner() != s.Chunk {
			break
		}
		s.Messages++
		switch e := m.ext; {
		case e == nil:
			bytes += int(m.size)
		case e.more == nil && e.data != nil:
			bytes += len(e.data)
			extended++
		default:
			s.Cost += int64(m.extendedCost())
			s.Stream += m.extendedStreamSize() - streamHead
		}
	}
	s.Cost += int64(BaseCost*s.Messages + extensionCost*extended + bytes)
	if s.Stream += streamHead*s.Messages + bytes; s.Chunk == nil {
		s.Stream = 0
	}
	return s
}
