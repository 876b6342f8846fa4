// SPDX-License-Identifier: MIT

// Package buf has the counted buffers that messages point into.
package buf

import (
	"sync"
	"sync/atomic"
)

// A Chunk is a buffer shared by messages. Its memory may be written again only by a reader that holds the
// last reference. A chunk that is never released is left to the garbage collector: forgetting to release
// costs speed, never correctness.
type Chunk struct {
	Data []byte
	From any // what it was received from: set by the reader before anybody else has a reference
	refs atomic.Int32
	free func()     // runs once, when the last reference goes; may be nil
	home *sync.Pool // where the chunk goes then; may be nil
}

// NewChunk returns a chunk of size bytes or up to an eighth more, with one reference, the reader's. What is in it is
// left from before.
func NewChunk(size int) *Chunk {
	p, size := pool(size)
	if p == nil {
		return Wrap(make([]byte, size), nil)
	}
	if c, ok := p.Get().(*Chunk); ok {
		c.refs.Store(1)
		return c
	}
	c := Wrap(make([]byte, size), nil)
	c.home = p
	return c
}

// Copy returns a chunk that begins with a copy of body.
func Copy(body []byte) *Chunk {
	c := NewChunk(len(body))
	copy(c.Data, body)
	return c
}

// Wrap returns a chunk around data with one reference. free runs exactly once, when the last one goes.
func Wrap(data []byte, free func()) *Chunk {
	c := &Chunk{Data: data, free: free}
	c.refs.Store(1)
	return c
}

// Retain adds n references.
func (c *Chunk) Retain(n int) { c.refs.Add(int32(n)) }

// Release takes n references away.
func (c *Chunk) Release(n int) {
	switch left := c.refs.Add(int32(-n)); {
	case left < 0:
		panic("buf: chunk released more often than retained")
	case left == 0 && c.home != nil:
		c.From = nil
		c.home.Put(c)
	case left == 0 && c.free != nil:
		c.free()
	}
}

// Unshared reports whether the caller's reference is the only one left.
func (c *Chunk) Unshared() bool { return c.refs.Load() == 1 }
