// SPDX-License-Identifier: MIT

// Package buf has the counted buffers that messages point into.
package buf

import (
	"sync"
	"sync/atomic"

	"github.com/sprymq/spry/internal/scope"
)

// A Chunk is a buffer shared by messages. Its memory may be written again only by a reader that holds the last reference. A
// chunk that is never released is left to the garbage collector: forgetting to release costs speed, never correctness.
//
// A released message may still point to its chunk, because it costs less to leave the pointer there. So when the last
// reference is released, a chunk gives its memory to the pool as another chunk, unless it is small. Forgotten pointers then
// keep little memory in use.
type Chunk struct {
	Data []byte
	From any // the connection it was read from: set by the reader before any other code has a reference
	use  uint64
	refs atomic.Int32
	free func()     // runs once, when the last reference goes; may be nil
	home *sync.Pool // where the chunk goes then; may be nil

	foreign bool // free is a callback of the user
	alone   bool // nothing points to the chunk when its last reference goes
}

// The sizes of chunks that connections read into, and that queues copy small messages into.
const (
	MinChunk = 4 << 10   // what an idle one keeps
	MaxChunk = 256 << 10 // the largest, for a busy connection
)

// MaxStale is the size of the largest message that may still point to its chunk when it was released, and of the largest chunk
// that then keeps its memory.
const MaxStale = 16 << 10

// excess counts releases without a reference, see [Excess].
var excess atomic.Uint64

// NewChunk returns a chunk of size bytes, or up to an eighth more, with one reference, the reader's. Its contents are
// undefined.
func NewChunk(size int) *Chunk {
	p, size := pool(size)
	var c *Chunk
	if p != nil {
		c, _ = p.Get().(*Chunk)
	}
	if c == nil {
		c = Wrap(make([]byte, size), nil)
		c.home = p
	}
	c.refs.Store(1)
	c.use = uses.Add(1) << useBits
	return c
}

// useBits leaves room for the uses of one chunk without going back to its pool.
const useBits = 24

// uses counts the chunks that were handed out.
var uses atomic.Uint64

// Renew begins another use of the chunk. The caller must have the only reference.
func (c *Chunk) Renew() { c.use++ }

// Use identifies the current use of the chunk: from one time that it was empty to the next. Unlike a pointer, it does not
// keep the chunk alive. It is 0 for memory from outside the package.
func (c *Chunk) Use() uint64 { return c.use }

// Copy returns a chunk that begins with a copy of body, for one message.
func Copy(body []byte) *Chunk {
	c := NewChunk(len(body))
	c.alone = len(body) > MaxStale // such a message does not point to the chunk when it has released it
	copy(c.Data, body)
	return c
}

// NewScratch returns a chunk as NewChunk does, for bytes that no message points into: its release allocates nothing.
func NewScratch(size int) *Chunk {
	c := NewChunk(size)
	c.alone = true
	return c
}

// Wrap returns a chunk around data with one reference. free runs exactly once, when the last one goes.
func Wrap(data []byte, free func()) *Chunk {
	c := &Chunk{Data: data, free: free}
	c.refs.Store(1)
	return c
}

// WrapForeign is Wrap for a callback of the user. Release may run under a lock and in any goroutine, so that it never calls
// free itself: free runs in a goroutine of its own, and a panic of it is logged. ReleaseHere calls free itself.
func WrapForeign(data []byte, free func()) *Chunk {
	c := Wrap(data, free)
	c.foreign = true
	return c
}

// Retain adds n references.
func (c *Chunk) Retain(n int) { c.refs.Add(int32(n)) }

// Release takes n references away. Releasing more references than there are is counted and does nothing else: such a chunk
// is left to the garbage collector.
func (c *Chunk) Release(n int) {
	if c.refs.Add(int32(-n)) <= 0 {
		c.last(false)
	}
}

// ReleaseHere is Release for the application's own call, which holds no lock: a callback of the user runs in it.
func (c *Chunk) ReleaseHere(n int) {
	if c.refs.Add(int32(-n)) <= 0 {
		c.last(true)
	}
}

// last is called when no reference is left, or fewer.
func (c *Chunk) last(here bool) {
	if c.refs.Load() < 0 {
		excess.Add(1)
		return
	}
	c.From = nil
	if c.home != nil {
		c.recycle()
		return
	}
	c.Data = nil
	switch {
	case c.free == nil:
	case c.foreign && !here:
		scope.Detached("release of a message", c.free)
	default:
		c.free()
	}
}

// recycle gives the chunk's memory back to its pool.
func (c *Chunk) recycle() {
	home, back := c.home, c
	switch {
	case c.alone:
		c.alone = false
	case len(c.Data) > MaxStale:
		back = &Chunk{Data: c.Data, home: home}
		c.Data, c.home = nil, nil
	}
	home.Put(back)
}

// Excess is how often any chunk was released without a reference. It is for tests: only a race of two goroutines that use one
// message, or an error of this module, can do that.
func Excess() uint64 { return excess.Load() }

// Unshared reports whether the caller's reference is the only one left.
func (c *Chunk) Unshared() bool { return c.refs.Load() == 1 }
