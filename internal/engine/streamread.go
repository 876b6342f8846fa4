// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"io"
	"runtime"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

const (
	minChunk   = 4 << 10   // what an idle connection keeps
	maxChunk   = 256 << 10 // what a busy one reads at a time
	headStart  = 32 << 10  // what the first bytes of a large frame are given
	minRead    = 256       // room in a chunk that is worth a read
	quietReads = 64        // small reads in a row after which chunks become smaller
	minSlab    = 8         // message values that a quiet connection allocates at a time
	maxSlab    = 511       // of 32 bytes: what fills a size class of 16 KiB
	minStride  = 4 << 10
	yieldAfter = 16 << 10
	tightChunk = 8 << 10 // what a busy connection reads at a time at least, however much of the budget is in use
)

// A streamReader turns what a connection sends into runs of messages. Messages point into the chunk that they
// were read into; a frame that does not fit into what is left of a chunk moves, as far as it has come, to a
// new one. Memory is only ever spent on bytes that have arrived: a chunk for a large frame at most doubles
// what is there, whatever length the peer announced, or is as large as a frame that the peer did send before.
type streamReader struct {
	c      *streamCarrier
	chunk  *buf.Chunk
	start  int  // first byte not yet decoded
	end    int  // first byte not yet read
	need   int  // bytes from start on that the next frame takes, as far as is known
	size   int  // of the next ordinary chunk
	quiet  int  // small reads in a row
	frame  int  // size of the last frames, on average
	proved int  // largest frame that has wholly arrived
	peek   bool // the last frame was larger than an ordinary chunk: the next one may be too
	batch  msg.Batch
	slab   int          // capacity of the last slab
	span   int          // bytes of the stream that its messages come from
	held   budget.Meter // of chunk

	direct  *directReader // nil where the connection cannot be read without the runtime's help
	reading *reading      // of one that others have read for
	refused []msg.Message // what a leader has found no room for
	came    int           // messages with the last read
	ahead   int           // bytes read since the receiver was let run
}

func (c *streamCarrier) read() error {
	r := &streamReader{
		c: c, chunk: c.first, start: c.early[0], end: c.early[1], size: minChunk, held: c.pipe.account.NewMeter(),
	}
	c.first = nil
	if r.chunk != nil {
		r.chunk.From = &c.pipe.origin
	}
	if d, ok := c.decoder.(wire.Controlled); ok {
		d.OnControl(c.pipe.control)
		c.pipe.startHeartbeat(c)
	}
	defer r.leave()
	if err := r.decode(true); err != nil {
		return err
	}
	r.direct = newDirectReader(c.conn, r)
	defer r.stopWatching()
	for {
		n, err := r.fill()
		if n > 0 {
			if derr := r.took(n, true); derr != nil {
				return derr
			}
			if r.ahead += n; r.ahead >= yieldAfter && r.came > 0 {
				r.ahead = 0
				runtime.Gosched() // the receiver takes what is still in the processor's cache, and leaves its chunk
			}
		}
		if err == nil && r.direct != nil {
			err = r.rest()
		}
		if errors.Is(err, io.EOF) && r.end > r.start {
			err = io.ErrUnexpectedEOF // within a frame: the peer broke off
		}
		if err != nil {
			return err
		}
	}
}

// fill waits for bytes and reads them.
func (r *streamReader) fill() (int, error) {
	if r.direct != nil {
		return r.direct.read()
	}
	return r.c.conn.Read(r.room())
}

// took decodes n bytes that were read. With wait it waits for room where there is none, else what was refused is kept.
func (r *streamReader) took(n int, wait bool) error {
	room := r.readUpTo() - r.end
	r.end += n
	r.c.alive.Store(true)
	if n > maxControl && !r.c.fed.Load() {
		r.c.fed.Store(true)
	}
	r.came = 0
	if !r.peek && r.need <= maxChunk {
		r.adapt(n, room)
	}
	if err := r.decode(wait); err != nil {
		return err
	}
	return r.grow()
}

// room returns where the next bytes are to go.
func (r *streamReader) room() []byte {
	r.makeRoom()
	return r.chunk.Data[r.end:r.readUpTo()]
}

// idle is called when there is nothing to be read. A chunk that nothing is in is of use elsewhere.
func (r *streamReader) idle() {
	if r.start == r.end && r.chunk.Unshared() {
		r.leave()
	}
}

// leave lets go of the chunk.
func (r *streamReader) leave() {
	if r.chunk != nil {
		r.replace(nil, 0)
	}
}

// replace goes on with another chunk, or none, which begins with n bytes that are not decoded yet.
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

// readUpTo is how far the next read may fill the chunk. A large frame is read to its end and no further, and of what
// follows it first a little: what is read of another large frame would have to be copied to that frame's own chunk.
func (r *streamReader) readUpTo() int {
	whole := len(r.chunk.Data)
	switch {
	case r.need > maxChunk:
		return min(whole, r.start+r.need)
	case r.peek:
		return min(whole, r.end+minChunk)
	}
	if stride := r.stride(); stride > 0 {
		if last := whole - (whole-r.start)%stride; last > r.end {
			return last
		}
	}
	return whole
}

// stride is the size of frames that a read should end with, if they are of one size; 0 if they are too small or too large
// for that to matter. Of one that it does not end with, what has come has to be copied to the next chunk: a quarter of all
// bytes, with messages of 64 KiB.
func (r *streamReader) stride() int {
	if r.frame < minStride || r.frame > maxChunk {
		return 0
	}
	return r.frame
}

// adapt chooses the size of the next chunk: larger whenever a read fills its room, smaller after many small
// reads, so that a connection that falls quiet does not keep the memory of its busy time.
func (r *streamReader) adapt(n, room int) {
	switch {
	case n == room && n >= r.size/2:
		r.size, r.quiet = min(r.size*4, maxChunk), 0
	case n > r.size/16:
		r.quiet = 0
	default:
		if r.quiet++; r.quiet >= quietReads {
			r.size, r.quiet = max(r.size/4, minChunk), 0
		}
	}
}

// decode hands on every whole message that is there. With wait it waits for room, else it stops where there is none.
func (r *streamReader) decode(wait bool) error {
	p := r.c.pipe
	large := r.need > maxChunk
	r.need = 0
	for r.start < r.end {
		r.nextSlab()
		r.batch.Chunk = r.chunk
		n, need, err := r.c.decoder.Decode(r.chunk.Data[r.start:r.end], &r.batch)
		r.start, r.need = r.start+n, need
		r.span += n
		full := r.batch.Full()
		if r.batch.Expired > 0 {
			p.DropN(DropTTL, r.batch.Expired)
			r.batch.Expired = 0
		}
		if run := r.batch.Next(); len(run) > 0 {
			r.chunk.Retain(len(run))
			p.in.bytes.Add(uint64(n))
			r.frame = n / len(run)
			if r.came += len(run); r.came < manyAtOnce {
				r.c.heard.Store(heardFew)
			} else {
				r.c.heard.Store(heardMany)
			}
			switch {
			case !wait:
				r.refused = run[p.receive(run):]
			case !p.hand(run, &r.c.room):
				return ErrPipeClosed
			}
		}
		if err != nil || !full || len(r.refused) > 0 {
			r.peek = large && r.need == 0
			return err
		}
	}
	r.peek = large
	return nil
}

// nextSlab sees to it that the batch has room for messages. Slabs grow while they are filled. One is for as many messages
// as come in a few chunks, because it keeps the contents of those that were not released from the garbage collector.
func (r *streamReader) nextSlab() {
	if r.batch.Full() || r.span >= maxChunk {
		r.slab = min(max(r.slab*4, minSlab), maxSlab, 1+maxChunk/max(r.frame, 1))
		r.batch.Msgs, r.span = make([]msg.Message, 0, r.slab), 0
	}
}

// newChunk returns a chunk for messages of this pipe.
func (r *streamReader) newChunk(size int) *buf.Chunk {
	c := buf.NewChunk(size)
	c.From = &r.c.pipe.origin
	return c
}

// makeRoom sees to it that the chunk has room to read into.
func (r *streamReader) makeRoom() {
	if size := r.nextChunk(); size > 0 {
		r.moveTo(size)
	}
}

// grow makes room for the rest of a large frame, after others were shed if the budget is exceeded by that. It is not for
// within a read.
func (r *streamReader) grow() error {
	p := r.c.pipe
	if r.need > maxChunk {
		if size := r.nextChunk(); size > 0 {
			if !r.held.Grow(int64(size + len(r.chunk.Data))) { // this is what had most
				return ErrPipeClosed
			}
			r.moveTo(size)
			return nil
		}
	}
	p.Relieve()
	return nil
}

// nextChunk returns the size of the chunk that has to take the place of the present one, or 0 if that has room.
func (r *streamReader) nextChunk() int {
	ordinary := r.ordinary()
	if r.chunk == nil {
		return ordinary
	}
	have, whole, size := r.end-r.start, len(r.chunk.Data), ordinary
	if r.need > size {
		size = min(r.need, max(r.proved, size, headStart))
	}
	switch {
	case have == 0 && whole == ordinary && r.chunk.Unshared():
		r.start, r.end = 0, 0
		r.chunk.Renew()
		return 0
	case have == 0 && whole <= maxChunk && whole-r.end >= max(minRead, r.stride()):
		return 0
	case have > 0 && r.start+r.need <= whole:
		return 0
	case have > 0 && r.start == 0 && r.end < whole && whole >= size:
		return 0 // this chunk was made for the frame: it is filled before there is a larger one
	}
	if have == 0 {
		r.proved = max(r.proved, whole) // a chunk made to measure, now used up
	}
	if r.need > size {
		size = min(r.need, max(size, 2*have))
	}
	return size
}

// ordinary is the size of a chunk for frames that are not large.
func (r *streamReader) ordinary() int {
	if r.size <= tightChunk {
		return r.size
	}
	return max(r.c.pipe.account.Budget().Spare(r.size), tightChunk)
}

// moveTo begins another chunk with what has come of the next frame.
func (r *streamReader) moveTo(size int) {
	next, have := r.newChunk(size), r.end-r.start
	if r.chunk != nil {
		copy(next.Data, r.chunk.Data[r.start:r.end])
	}
	r.replace(next, have)
}
