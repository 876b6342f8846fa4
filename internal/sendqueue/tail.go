// SPDX-License-Identifier: MIT

package sendqueue

import "github.com/sprymq/spry/internal/buf"

// A chunkTail watches which part of its chunk the latest entries of a send queue use: received bodies that are forwarded, or
// frames that a fan-out encoded for many pipes. A queue that takes one of a hundred messages would otherwise keep a chunk
// for each. When the queue goes on to another chunk and has used little of the last one, it copies the entries that are
// still queued.
type chunkTail struct {
	use     uint64 // see [buf.Chunk.Use]; 0: none
	size    int    // of the chunk
	used    int    // bytes of it that entries took, including those that have left the queue
	entries int    // since the tail began
}

// A chunk is kept if keepNum/keepDen of it were used.
const keepNum, keepDen = 5, 8

// left reports whether c is another chunk than the tail's, so that the tail must be settled and begin again.
func (t *chunkTail) left(c *buf.Chunk) bool { return c.Use() != t.use }

// wasteful reports whether so little of the chunk was used that copying the remaining entries is worth it.
func (t *chunkTail) wasteful() bool { return t.use != 0 && t.used*keepDen < t.size*keepNum }

// begin makes c the tail's chunk.
func (t *chunkTail) begin(c *buf.Chunk) { *t = chunkTail{use: c.Use(), size: len(c.Data)} }

// follow says that n more bytes of the chunk c are about to be queued as a segment.
func (e *encoded) follow(c *buf.Chunk, n int) {
	if e.tail.left(c) {
		e.settle()
		e.tail.begin(c)
	}
	e.tail.used += n + FrameRoom/2
}

// settle copies the segments of the tail behind each other if they keep too much alive. Nothing of them has been written.
func (e *encoded) settle() {
	first := len(e.segments) - min(e.tail.entries, len(e.segments))
	tail := e.segments[first:]
	if len(tail) == 0 || !e.tail.wasteful() {
		return
	}
	size := 0
	for i := range tail {
		size += len(tail[i].bytes)
	}
	if size > maxBlockCopy {
		e.settleLarge(tail)
		return
	}
	b := e.room(size)
	from := len(b.bytes)
	b.parts++ // before the tail's own parts of it go
	for i := range tail {
		b.bytes = append(b.bytes, tail[i].bytes...)
	}
	for i := range tail {
		e.leave(&tail[i])
	}
	clear(tail)
	e.segments = append(e.segments[:first], segment{bytes: b.bytes[from:], block: b})
}

// settleLarge gives each segment that lies in the tail's chunk memory of its own.
func (e *encoded) settleLarge(tail []segment) {
	for i := range tail {
		s := &tail[i]
		if s.owner == nil || s.owner.Use() != e.tail.use {
			continue
		}
		own := buf.Copy(s.bytes)
		s.owner.Release(1)
		s.owner, s.bytes, s.end = own, own.Data[:len(s.bytes)], 0
	}
}

// follow says that the last message, which was just put, has n bytes of the chunk c.
func (q *packets) follow(c *buf.Chunk, n int) {
	if q.tail.left(c) {
		q.tail.entries--
		q.settle()
		q.tail.begin(c)
		q.tail.entries = 1
	}
	q.tail.used += n
}

// settle moves the messages of the tail, which end before the last one, to memory of the queue's if they keep too much
// alive.
func (q *packets) settle() {
	if !q.tail.wasteful() {
		return
	}
	left := q.tail.entries
	run := q.run[:len(q.run)-1]
	for i := len(q.full); left > 0; run = q.full[i].run {
		n := min(left, len(run))
		q.packer.Pack(run[len(run)-n:], q.tail.use, buf.MaxChunk)
		left -= n
		if i--; i < 0 {
			break
		}
	}
}
