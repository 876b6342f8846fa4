// SPDX-License-Identifier: MIT

package sendqueue

import "sync"

const (
	smallBlock = 4 << 10  // first block of a run
	largeBlock = 64 << 10 // the others
)

// A block is memory that frames are copied into, behind each other.
type block struct {
	bytes []byte // what is used
	parts int    // segments that point into it
}

// largeBlocks are those that no run uses. They are the process's, not a pipe's: a pipe that falls idle after a burst
// keeps nothing, and the next burst, of whatever pipe, allocates nothing.
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
