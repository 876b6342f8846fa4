// SPDX-License-Identifier: MIT

package sendqueue

import (
	"sync"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

const (
	// byReference is the body size from which a body is written from where it is. Smaller ones are copied
	// behind each other, which costs less than a segment of their own.
	byReference = 8 << 10

	// maxBlockCopy is the largest body that goes to a block if it has to be copied anyway, or if its message then keeps its
	// memory for the next body. Allocating memory for larger bodies costs more than copying; see BenchmarkPipeline.
	maxBlockCopy = largeBlock / 4

	keepRoom = 32 << 10 // frames that a run without a pipe has room for, at most
)

// FrameRoom is the most that a dialect puts before a message's header and body, in bytes.
const FrameRoom = 32

// encoded is a run of frames, encoded as they were offered, in the form in which they are written: blocks of
// copied frames, and large bodies between them by reference. A nil run is an empty one.
type encoded struct {
	segments []segment
	frames   []frame // sizes of the frames, in order, from first on
	first    int     // index of the first frame that is still here
	size     int64   // bytes still here
	more     int     // frames after the first of their messages, of those still here
	open     *block  // where the next frame goes, if it fits
	small    *block  // the run's own
	tail     chunkTail
}

// A segment is written as a whole: a part of a block, one large body, or frames that other pipes have too.
type segment struct {
	bytes []byte
	block *block     // if it is a part of one
	owner *buf.Chunk // of a body by reference, which may have none, or of shared frames
	end   int        // where shared frames end in their chunk
}

// A frame remembers where its body is, so that a frame that was not written can become a message again.
type frame struct {
	size   int // encoded, all of it
	before int // encoded bytes before the body; if negative, the number of bodies after the first
}

// more is the number of the message's frames after its first.
func (f *frame) more() int { return max(0, -f.before) }

// cost is the charge of the message in a queue.
func (f *frame) cost() int { return msg.BaseCost + f.size + msg.FrameCost*f.more() }

// runs are unused runs, each with its small block.
var runs = sync.Pool{New: func() any { return &encoded{small: &block{bytes: make([]byte, 0, smallBlock)}} }}

func newEncoded() *encoded { return runs.Get().(*encoded) }

// free gives up an empty run.
func (e *encoded) free() {
	if e == nil {
		return
	}
	e.reset()
	if e.open != nil && e.open != e.small {
		e.open.free()
	}
	e.open = nil
	if cap(e.frames) > keepRoom {
		e.frames = nil
	}
	runs.Put(e)
}

func (e *encoded) len() int {
	if e == nil {
		return 0
	}
	return len(e.frames) - e.first
}

// put encodes one message of one frame and returns its cost. body is used if m is nil, and not kept; of m the contents are
// taken.
func (e *encoded) put(f wire.Framing, header, body []byte, m *msg.Message) int {
	if m != nil {
		body = m.Body()
	}
	if m != nil && m.Shared() && len(body) >= byReference || len(body) > maxBlockCopy {
		return e.putReference(f, header, body, m)
	}
	b := e.room(headRoom(header) + len(body))
	from := len(b.bytes)
	b.bytes = f.AppendFrame(b.bytes, header, body)
	n := len(b.bytes) - from
	e.extend(b, from)
	if m != nil {
		m.Release()
	}
	return e.added(n, n-len(body))
}

// putRun encodes the first of bodies, which is to be copied to a block, and the next ones that have room in the same block,
// as far as all of them cost no more than room. It returns how many these are.
func (e *encoded) putRun(f wire.Framing, header []byte, bodies [][]byte, room int64) (n int) {
	head := headRoom(header)
	b := e.room(head + len(bodies[0]))
	from, to := len(b.bytes), b.bytes
	for n < len(bodies) {
		body := bodies[n]
		if n > 0 && (cap(to)-len(to) < head+len(body) || len(body) > maxBlockCopy || !hasRoom(header, body, room)) {
			break
		}
		at := len(to)
		to = f.AppendFrame(to, header, body)
		frame := to[at:]
		room -= int64(e.added(len(frame), len(frame)-len(body)))
		n++
		before := frame[:len(frame)-len(body)] // as all bodies of this length have it
		most := min(int64((cap(to)-len(to))/len(frame)), room/int64(msg.BaseCost+len(frame)))
		for _, next := range alike(bodies[n:], len(body), most) {
			to = append(append(to, before...), next...)
			room -= int64(e.added(len(frame), len(before)))
			n++
		}
	}
	b.bytes = to
	e.extend(b, from)
	return n
}

// alike returns the first of bodies, up to most, that have size bytes.
func alike(bodies [][]byte, size int, most int64) [][]byte {
	n := 0
	for n < len(bodies) && int64(n) < most && len(bodies[n]) == size {
		n++
	}
	return bodies[:n]
}

func (e *encoded) putReference(f wire.Framing, header, body []byte, m *msg.Message) int {
	var owner *buf.Chunk
	if m != nil {
		m.Trim()
		taken := m.Take()
		owner, body = taken.Owner(), taken.Body()
	} else {
		owner = buf.Copy(body)
		body = owner.Data[:len(body)]
	}
	if owner != nil {
		e.follow(owner, len(body))
	}
	b := e.room(headRoom(header))
	from := len(b.bytes)
	b.bytes = f.AppendHead(b.bytes, header, len(body))
	before := len(b.bytes) - from
	e.extend(b, from)
	e.segment(segment{bytes: body, owner: owner})
	return e.added(before+len(body), before)
}

// putMultipart encodes a message of several frames, as a copy.
func (e *encoded) putMultipart(f wire.Multipart, header []byte, m *msg.Message) int {
	frames := m.Count()
	b := e.room(headRoom(header) + m.Len() + frames*FrameRoom)
	from := len(b.bytes)
	b.bytes = f.AppendMessage(b.bytes, header, m)
	n := len(b.bytes) - from
	e.extend(b, from)
	m.Release()
	more := frames - 1
	e.more += more
	return e.added(n, -more) + msg.FrameCost*more
}

// headRoom is how much a dialect may put before a body: it may write every word of the header as a frame.
func headRoom(header []byte) int { return 2*len(header) + FrameRoom }

// putShared adds a frame that was encoded for many pipes, and returns its cost.
func (e *encoded) putShared(f sharedFrame) int {
	n := f.to - f.from
	e.follow(f.chunk, n)
	if last := len(e.segments) - 1; last >= 0 && e.segments[last].owner == f.chunk && e.segments[last].end == f.from {
		s := &e.segments[last]
		s.bytes, s.end = s.bytes[:len(s.bytes)+n], f.to
	} else {
		f.chunk.Retain(1)
		e.segment(segment{bytes: f.chunk.Data[f.from:f.to], owner: f.chunk, end: f.to})
	}
	return e.added(n, f.before)
}

// extend adds the bytes that were appended to a block, from from on, to the run.
func (e *encoded) extend(b *block, from int) {
	if last := len(e.segments) - 1; last >= 0 && e.segments[last].block == b {
		s := &e.segments[last]
		s.bytes = s.bytes[:len(s.bytes)+len(b.bytes)-from]
		return
	}
	e.segment(segment{bytes: b.bytes[from:], block: b})
	b.parts++
}

func (e *encoded) segment(s segment) {
	e.segments = append(e.segments, s)
	e.tail.entries++
}

// cost is the charge of all messages of the run in a queue.
func (e *encoded) cost() int64 {
	return e.size + int64(msg.BaseCost*e.len()) + int64(msg.FrameCost*e.more)
}

// added adds a frame and returns the cost of a message that has no other.
func (e *encoded) added(size, before int) int {
	if len(e.frames) == cap(e.frames) {
		e.compact()
	}
	e.frames = append(e.frames, frame{size: size, before: before})
	e.size += int64(size)
	return msg.BaseCost + size
}

// compact moves the frames down if most of their memory is unused: a run that is never empty would grow for ever.
func (e *encoded) compact() {
	if e.first > len(e.frames)/2 {
		e.frames = e.frames[:copy(e.frames, e.frames[e.first:])]
		e.first = 0
	}
}

// room returns the open block if it has room for n more bytes, else opens another.
func (e *encoded) room(n int) *block {
	if e.open != nil && e.open.room() >= n {
		return e.open
	}
	old := e.open
	if e.open = e.small; old != nil || e.small == nil || e.small.room() < n {
		e.open = newBlock(n)
	}
	if old != nil && old.parts == 0 {
		e.recycle(old)
	}
	return e.open
}

// drop takes the first frame out and returns its cost.
func (e *encoded) drop() int {
	f := e.frames[e.first]
	e.first++
	e.size -= int64(f.size)
	e.more -= f.more()
	e.advance(f.size)
	return f.cost()
}

// advance takes n bytes off the front of the segments.
func (e *encoded) advance(n int) {
	used := 0
	for n > 0 {
		s := &e.segments[used]
		if n < len(s.bytes) {
			s.bytes = s.bytes[n:]
			break
		}
		n -= len(s.bytes)
		e.leave(s)
		used++
	}
	if used > 0 {
		rest := copy(e.segments, e.segments[used:])
		clear(e.segments[rest:])
		e.segments = e.segments[:rest]
	}
}

// leave releases a segment that is no longer used.
func (e *encoded) leave(s *segment) {
	if s.owner != nil {
		s.owner.Release(1)
	}
	if b := s.block; b != nil {
		if b.parts--; b.parts == 0 {
			e.recycle(b)
		}
	}
}

// recycle makes a block that nothing points into ready to be used again.
func (e *encoded) recycle(b *block) {
	if b == e.open || b == e.small {
		b.bytes = b.bytes[:0]
		return
	}
	b.free()
}

// buffers appends the bytes to write to dst, without the first skip bytes.
func (e *encoded) buffers(dst [][]byte, skip int) [][]byte {
	for i := range e.segments {
		b := e.segments[i].bytes
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		dst = append(dst, b[skip:])
		skip = 0
	}
	return dst
}

// written says that n bytes more than partial, which were written before, are written now. Frames that are
// wholly written leave; of the one that is not, the number of written bytes is returned. It stays whole, for
// it may yet have to go elsewhere.
func (e *encoded) written(n int64, partial int) (frames, rest int) {
	left := int64(partial) + n
	gone := 0
	for ; e.first < len(e.frames) && left >= int64(e.frames[e.first].size); frames++ {
		f := &e.frames[e.first]
		left -= int64(f.size)
		gone += f.size
		e.more -= f.more()
		e.first++
	}
	e.size -= int64(gone)
	e.advance(gone)
	return frames, int(left)
}

// reset empties the run and keeps its memory for the next messages.
func (e *encoded) reset() {
	for i := range e.segments {
		e.leave(&e.segments[i])
	}
	clear(e.segments)
	e.segments, e.frames, e.first, e.size, e.more = e.segments[:0], e.frames[:0], 0, 0, 0
	e.tail = chunkTail{}
}

// messages turns the remaining frames, none of them written in part, into messages with bodies of their own. mf encoded
// those of several frames.
func (e *encoded) messages(mf wire.Multipart) []msg.Message {
	ms := make([]msg.Message, 0, e.len())
	for e.len() > 0 {
		first := e.frames[e.first]
		whole := make([]byte, 0, first.size)
		for i := 0; len(whole) < first.size; i++ {
			b := e.segments[i].bytes
			whole = append(whole, b[:min(len(b), first.size-len(whole))]...)
		}
		e.drop()
		if first.before < 0 {
			ms = append(ms, msg.OfFrames(mf.Frames(whole)))
			continue
		}
		ms = append(ms, msg.Of(whole[first.before:]))
	}
	return ms
}

const (
	smallBlock = 4 << 10  // first block of a run
	largeBlock = 64 << 10 // the others
)

// A block is memory that frames are copied into, behind each other.
type block struct {
	bytes []byte // the used part
	parts int    // segments that point into it
}

// largeBlocks are unused large blocks. They belong to the process and not to a pipe: a pipe that becomes idle after a burst
// keeps none, and the next burst, of any pipe, allocates none.
var largeBlocks = sync.Pool{New: func() any { return &block{bytes: make([]byte, 0, largeBlock)} }}

// newBlock returns an empty block with room for n bytes, other than the small one of a run.
func newBlock(n int) *block {
	if n > largeBlock {
		return &block{bytes: make([]byte, 0, n)}
	}
	return largeBlocks.Get().(*block)
}

func (b *block) room() int { return cap(b.bytes) - len(b.bytes) }

// free makes an empty block of one that nothing points into.
func (b *block) free() {
	b.bytes = b.bytes[:0]
	if cap(b.bytes) == largeBlock {
		largeBlocks.Put(b)
	}
}
