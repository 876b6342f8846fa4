// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"unsafe"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

const (
	// byReference is the body size from which a body is written from where it is. Smaller ones are copied
	// behind each other, which costs less than a segment of their own.
	byReference = 8 << 10

	minBlock  = 512      // first block of an outbox
	maxBlock  = 64 << 10 // largest block
	keepBlock = 4 << 10  // largest block that an idle pipe keeps
	maxSpare  = 8        // empty blocks that a busy pipe keeps
	frameRoom = 32       // room for what a dialect puts before header and body
)

// encoded is a run of frames, encoded as they were offered, in the form in which they are written: blocks of
// copied frames, and large bodies between them by reference.
type encoded struct {
	segments []segment
	frames   []frame  // sizes of the frames, in order, from first on
	first    int      // index of the first frame that is still here
	size     int64    // bytes still here
	grow     int      // capacity of the next block
	spare    [][]byte // empty blocks to be used next
}

// A segment is written as a whole: a block that frames were copied into, or one large body.
type segment struct {
	bytes []byte
	base  []byte     // the whole of a block, of which bytes is a part; nil for a body by reference
	owner *buf.Chunk // of a body by reference; may be nil for one too
}

// A frame remembers where its body is, so that a frame which nobody took can become a message again.
type frame struct {
	size   int // encoded, all of it
	before int // encoded bytes before the body
}

func (e *encoded) len() int { return len(e.frames) - e.first }

// put encodes one message. body is used if m is nil, and not kept; of m the contents are taken.
func (e *encoded) put(f wire.Framing, header, body []byte, m *msg.Message) {
	if m != nil {
		body = m.Body()
	}
	if len(body) >= byReference {
		e.putReference(f, header, body, m)
		return
	}
	block := e.block(len(header) + len(body) + frameRoom)
	old := len(block.bytes)
	block.bytes = f.AppendFrame(block.bytes, header, body)
	e.added(len(block.bytes)-old, len(block.bytes)-old-len(body))
	if m != nil {
		m.Release()
	}
}

func (e *encoded) putReference(f wire.Framing, header, body []byte, m *msg.Message) {
	var owner *buf.Chunk
	if m != nil {
		taken := m.Take()
		owner = taken.Owner()
	} else {
		body = append([]byte(nil), body...)
	}
	block := e.block(len(header) + frameRoom)
	old := len(block.bytes)
	block.bytes = f.AppendHead(block.bytes, header, len(body))
	e.added(len(block.bytes)-old+len(body), len(block.bytes)-old)
	e.segments = append(e.segments, segment{bytes: body, owner: owner})
}

func (e *encoded) added(size, before int) {
	if e.first > len(e.frames)/2 && len(e.frames) == cap(e.frames) { // else a run that is never empty grows for ever
		e.frames = e.frames[:copy(e.frames, e.frames[e.first:])]
		e.first = 0
	}
	e.frames = append(e.frames, frame{size: size, before: before})
	e.size += int64(size)
}

// block returns the last block if it has room for n more bytes, else a new one.
func (e *encoded) block(n int) *segment {
	if last := len(e.segments) - 1; last >= 0 {
		if s := &e.segments[last]; s.base != nil && cap(s.bytes)-len(s.bytes) >= n {
			return s
		}
	}
	block := e.spareBlock(n)
	if block == nil {
		e.grow = min(max(e.grow*4, minBlock), maxBlock)
		block = make([]byte, 0, max(e.grow, n))
	}
	e.segments = append(e.segments, segment{bytes: block, base: block})
	return &e.segments[len(e.segments)-1]
}

// spareBlock returns an empty block with room for n bytes, or nil. Smaller ones are let go of.
func (e *encoded) spareBlock(n int) []byte {
	for last := len(e.spare) - 1; last >= 0; last-- {
		block := e.spare[last]
		e.spare[last] = nil
		if e.spare = e.spare[:last]; cap(block) >= n {
			return block
		}
	}
	return nil
}

// drop takes the first frame out.
func (e *encoded) drop() {
	f := e.frames[e.first]
	e.first++
	e.size -= int64(f.size)
	e.advance(f.size)
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
		if used == len(e.segments)-1 && s.base != nil {
			s.bytes = s.base[:0] // the open block: frames are still to come
			break
		}
		e.recycle(s)
		used++
	}
	if used > 0 {
		rest := copy(e.segments, e.segments[used:])
		clear(e.segments[rest:])
		e.segments = e.segments[:rest]
	}
}

// recycle lets go of a segment that is done with, and keeps a block for the frames to come.
func (e *encoded) recycle(s *segment) {
	if s.owner != nil {
		s.owner.Release(1)
	}
	if s.base != nil && len(e.spare) < maxSpare && cap(s.base) <= maxBlock {
		e.spare = append(e.spare, s.base[:0])
	}
}

// buffers appends to dst what is to be written, without the first skip bytes.
func (e *encoded) buffers(dst net.Buffers, skip int) net.Buffers {
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
	for ; e.first < len(e.frames) && left >= int64(e.frames[e.first].size); frames++ {
		left -= int64(e.frames[e.first].size)
		e.drop()
	}
	return frames, int(left)
}

// reset forgets everything and keeps the memory that is worth keeping.
func (e *encoded) reset(busy bool) {
	for i := range e.segments {
		e.recycle(&e.segments[i])
	}
	clear(e.segments)
	e.segments, e.frames, e.first, e.size = e.segments[:0], e.frames[:0], 0, 0
	if !busy {
		e.shrink()
	}
}

// shrink lets go of what an idle pipe does not need.
func (e *encoded) shrink() {
	kept := 0
	for _, b := range e.spare {
		if cap(b) <= keepBlock && kept == 0 {
			e.spare[0], kept = b, 1
		}
	}
	clear(e.spare[kept:])
	if e.spare = e.spare[:kept]; kept == 0 {
		e.grow = 0
	}
	if cap(e.frames)*int(unsafe.Sizeof(frame{})) > keepBlock {
		e.frames = nil
	}
}

// messages turns the remaining frames, of which none was written in part, into messages with bodies of their
// own.
func (e *encoded) messages() []msg.Message {
	ms := make([]msg.Message, 0, e.len())
	for ; e.first < len(e.frames); e.first++ {
		f := e.frames[e.first]
		whole := make([]byte, 0, f.size)
		for i := 0; len(whole) < f.size; i++ {
			b := e.segments[i].bytes
			whole = append(whole, b[:min(len(b), f.size-len(whole))]...)
		}
		e.advance(f.size)
		ms = append(ms, msg.Of(whole[f.before:]))
	}
	return ms
}
