// SPDX-License-Identifier: MIT

package buf

import (
	"math/bits"
	"sync"
)

// Chunks of sizes between these are pooled when their last reference is released. The pools belong to the process, and the
// garbage collector empties them after a while without use.
const (
	minPooled = 4 << 10
	maxPooled = 64 << 20
)

// steps is how many sizes there are between one power of two and the next.
const steps = 8

var pools [(27 - 12) * steps]sync.Pool

// pool returns the pool of the chunks of at least size bytes, and their size; nil if there is none.
func pool(size int) (*sync.Pool, int) {
	if size < minPooled || size > maxPooled {
		return nil, size
	}
	doublings := bits.Len(uint(size - 1)) // size is at most two to the power of this
	half := 1 << (doublings - 1)
	unit := half / steps
	step := (size - half + unit - 1) / unit // 1 to steps
	return &pools[(doublings-12)*steps+step-1], half + step*unit
}
