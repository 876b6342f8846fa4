// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"io"
	"runtime"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/wire"
)

const (
	tightChunk = 8 << 10  // chunk size of a busy connection when the budget is used up
	headStart  = 32 << 10 // first chunk of a large frame
	minRead    = 256      // a chunk with less room than this is not read into
	quietReads = 64       // consecutive small reads after which chunks become smaller
	minStride  = 4 << 10  // smaller frames are copied to the next chunk
	yieldAfter = 16 << 10 // bytes read before the receiver is let run
)

// A streamReader decodes a connection's bytes into runs of messages. Messages point into the chunk that they were read
// into. A frame that does not fit into the rest of its chunk is copied, as far as it has arrived, to a new chunk.
//
// Memory is spent only on bytes that have arrived. A chunk for a large frame is at most twice what has arrived of the frame,
// whatever length the peer announced, or the size of a frame that the peer has sent before.
type streamReader struct {
	c     *streamCarrier
	chunk *buf.Chunk
	start int // of the bytes that are not decoded yet
	end   int // of the bytes that have been read
	need  int // size of the frame at start, as far as it is known

	size       int  // of the next chunk, unless its frame is large
	quiet      int  // consecutive small reads
	frame      int  // average size of the frames in the last run
	largest    int  // frame that has arrived as a whole
	afterLarge bool // the last frame was larger than buf.MaxChunk: the next one may be too
	flows      bool // a receiver that reads keeps the role in a flow: see fewAtOnce

	batch msg.Batch
	slab  int          // capacity of the last slab
	span  int          // bytes decoded into it
	held  budget.Meter // of chunk

	direct *rawconn.Reader // nil: the connection has no descriptor to read
	burst  int             // messages of the last read
	ahead  int             // bytes read since the receiver was let run
}

func (c *streamCarrier) read() error {
	r := &streamReader{
		c: c, chunk: c.first, start: c.early[0], end: c.early[1], size: buf.MinChunk, held: c.pipe.account.NewMeter(),
	}
	c.first = nil
	if r.chunk != nil {
		r.chunk.From = &c.pipe.origin
	}
	if d, ok := c.decoder.(wire.Controlled); ok {
		d.OnControl(c.pipe.control)
		c.pipe.startHeartbeat(&c.signs)
	}
	defer func() { r.replace(nil, 0) }()
	if err := r.decode(true); err != nil {
		return err
	}
	r.direct = rawconn.NewReader(c.link.Conn, r)
	r.flows = runtime.GOMAXPROCS(0) > 1
	defer c.pipe.reads.stopWatching()
	for {
		var n int
		var err error
		if r.direct != nil {
			n, err = r.direct.Read()
		} else {
			n, err = c.link.Read(r.Room())
		}
		if n > 0 {
			if derr := r.received(n, true); derr != nil {
				return derr
			}
			if r.ahead += n; r.ahead >= yieldAfter && r.burst > 0 {
				r.ahead = 0
				runtime.Gosched() // the receiver takes messages that are still in the processor's cache, and releases their chunk
			}
		}
		if err == nil && r.direct != nil && c.pipe.reads.wanted.Load() {
			err = c.pipe.reads.yield(r)
		}
		if errors.Is(err, io.EOF) && r.end > r.start {
			err = io.ErrUnexpectedEOF // within a frame
		}
		if err != nil {
			return err
		}
	}
}

// received decodes and delivers n bytes that were read, and makes room for the rest of a large frame. It must not be called within
// a read. See decode about wait.
func (r *streamReader) received(n int, wait bool) error {
	room := r.readUpTo() - r.end
	r.end += n
	r.c.alive.Store(true)
	if n > maxControl && !r.c.fed.Load() {
		r.c.fed.Store(true)
	}
	r.burst = 0
	if !r.afterLarge && r.need <= buf.MaxChunk {
		r.adapt(n, room)
	}
	if err := r.decode(wait); err != nil {
		return err
	}
	if r.need > buf.MaxChunk { // more room for the rest of a large frame: other pipes are shed first, or this one
		if size := r.nextChunk(); size > 0 {
			if !r.held.Grow(int64(size + len(r.chunk.Data))) { // this pipe was shed
				return ErrPipeClosed
			}
			r.moveTo(size)
			return nil
		}
	}
	r.c.pipe.Relieve()
	return nil
}

// Room returns the part of the chunk to read into.
func (r *streamReader) Room() []byte {
	if size := r.nextChunk(); size > 0 {
		r.moveTo(size)
	}
	return r.chunk.Data[r.end:r.readUpTo()]
}

// Idle is called before a read waits. An empty chunk is released: other connections have a use for it.
func (r *streamReader) Idle() {
	if r.start == r.end && r.chunk.Unshared() {
		r.replace(nil, 0)
	}
}

// replace releases the chunk and continues with another, or none. Its first n bytes are not decoded yet.
func (r *streamReader) replace(next *buf.Chunk, n int) {
	shared := r.chunk != nil && !r.chunk.Unshared()
	if r.chunk != nil {
		r.chunk.Release(1)
	}
	r.chunk, r.start, r.end = next, 0, n
	if next == nil {
		r.held.Set(0)
	} else {
		r.held.Set(int64(len(next.Data)))
	}
	if shared {
		r.c.pipe.settle()
	}
}

// readUpTo returns the end of the next read in the chunk. A read ends with a large frame, and the read after it is a small
// one, because the beginning of another large frame must be copied to that frame's own chunk.
func (r *streamReader) readUpTo() int {
	whole := len(r.chunk.Data)
	switch {
	case r.need > buf.MaxChunk:
		return min(whole, r.start+r.need)
	case r.afterLarge:
		return min(whole, r.end+buf.MinChunk)
	}
	if stride := r.stride(); stride > 0 {
		if last := whole - (whole-r.start)%stride; last > r.end {
			return last
		}
	}
	return whole
}

// stride is the common frame size, or 0. Reads stop at a multiple of it, because a frame cut by the end of a chunk must be
// copied to the next chunk. For small and for very large frames that does not matter.
func (r *streamReader) stride() int {
	if r.frame < minStride || r.frame > buf.MaxChunk {
		return 0
	}
	return r.frame
}

// adapt chooses the size of the next chunk: larger after a read that fills its room, smaller after many small reads, so
// that a connection that falls quiet does not keep the memory of its busy time.
func (r *streamReader) adapt(n, room int) {
	switch {
	case n == room && n >= r.size/2:
		r.size, r.quiet = min(r.size*4, buf.MaxChunk), 0
	case n > r.size/16:
		r.quiet = 0
	default:
		if r.quiet++; r.quiet >= quietReads {
			r.size, r.quiet = max(r.size/4, buf.MinChunk), 0
		}
	}
}

// decode decodes and delivers every whole message in the chunk. With wait it blocks while the pattern has no room. Without, it
// stops there, and keeps the messages that were refused for the reader goroutine.
//
// Slabs of messages grow while they are filled, but hold no more messages than a few chunks bring: a slab keeps the contents of
// all its unreleased messages alive.
func (r *streamReader) decode(wait bool) error {
	p := r.c.pipe
	large := r.need > buf.MaxChunk
	var room *roomBell
	if wait {
		room = &r.c.room
	}
	r.need = 0
	for r.start < r.end {
		if r.batch.Full() || r.span >= buf.MaxChunk {
			r.slab = msg.NextSlab(r.slab, r.frame)
			r.batch.Msgs, r.span = msg.NewSlab(r.slab), 0
		}
		r.batch.Chunk = r.chunk
		n, need, err := r.c.decoder.Decode(r.chunk.Data[r.start:r.end], &r.batch)
		r.start, r.need = r.start+n, need
		r.span += n
		full := r.batch.Full()
		if r.batch.Expired > 0 {
			p.DropN(reasons.TTL, r.batch.Expired)
			r.batch.Expired = 0
		}
		if run := r.batch.Next(); len(run) > 0 {
			r.chunk.Retain(len(run))
			p.in.bytes.Add(uint64(n))
			r.frame = n / len(run)
			if r.burst += len(run); r.burst < manyAtOnce {
				r.c.heard.Store(heardFew)
			} else {
				r.c.heard.Store(heardMany)
			}
			refused, derr := p.deliver(run, room)
			if derr != nil {
				return derr
			}
			if len(refused) > 0 {
				p.reads.refused, full = refused, false
			}
		}
		if err != nil || !full {
			r.afterLarge = large && r.need == 0
			return err
		}
	}
	r.afterLarge = large
	return nil
}

// nextChunk returns the size of the chunk to continue with, or 0 if the present one has room.
func (r *streamReader) nextChunk() int {
	ordinary := r.size // of a chunk for frames that are not large: smaller while the budget is short
	if ordinary > tightChunk {
		ordinary = max(r.c.pipe.account.Budget().Spare(ordinary), tightChunk)
	}
	if r.chunk == nil {
		return ordinary
	}
	have, whole, size := r.end-r.start, len(r.chunk.Data), ordinary
	if r.need > size {
		size = min(r.need, max(r.largest, size, headStart))
	}
	switch {
	case have == 0 && whole == ordinary && r.chunk.Unshared():
		r.start, r.end = 0, 0
		r.chunk.Renew()
		return 0
	case have == 0 && whole <= buf.MaxChunk && whole-r.end >= max(minRead, r.stride()):
		return 0
	case have > 0 && r.start+r.need <= whole:
		return 0
	case have > 0 && r.start == 0 && r.end < whole && whole >= size:
		return 0 // a chunk made for this frame is filled before it is replaced by a larger one
	}
	if have == 0 {
		r.largest = max(r.largest, whole) // the chunk was made for one frame, which is complete
	}
	if r.need > size {
		size = min(r.need, max(size, 2*have))
	}
	return size
}

// moveTo continues with a new chunk, which begins with the bytes of the next frame that have arrived.
func (r *streamReader) moveTo(size int) {
	next, have := buf.NewChunk(size), r.end-r.start
	next.From = &r.c.pipe.origin
	if r.chunk != nil {
		copy(next.Data, r.chunk.Data[r.start:r.end])
	}
	r.replace(next, have)
}
