// SPDX-License-Identifier: MIT

package buf

import (
	"bytes"
	"sync"
	"testing"
)

// Sizes are rounded up by an eighth at most, to one of few, and each has a pool of its own.
func TestPoolSizes(t *testing.T) {
	owner := map[*sync.Pool]int{}
	for size := minPooled; size <= maxPooled; size += 1 + size/1000 {
		p, rounded := pool(size)
		if p == nil || rounded < size || rounded > size+size/8+1 {
			t.Fatalf("a chunk of %d bytes gets %d", size, rounded)
		}
		if had, ok := owner[p]; ok && had != rounded {
			t.Fatalf("chunks of %d and of %d bytes share a pool", had, rounded)
		}
		owner[p] = rounded
		if again, same := pool(rounded); again != p || same != rounded {
			t.Fatalf("%d bytes are rounded up to %d, and those to %d", size, rounded, same)
		}
	}
	for k := minPooled; k <= maxPooled; k *= 2 {
		if _, n := pool(k); n != k {
			t.Errorf("%d is rounded up to %d", k, n)
		}
	}
	for _, size := range []int{0, 1, minPooled - 1, maxPooled + 1} {
		if p, n := pool(size); p != nil || n != size || len(NewChunk(size).Data) != size {
			t.Errorf("%d bytes: a pool %v, of %d", size, p != nil, n)
		}
	}
}

// A chunk comes back with one reference, whoever had it before.
func TestChunksComeBack(t *testing.T) {
	for range 100 {
		c := NewChunk(10_000)
		if !c.Unshared() || len(c.Data) < 10_000 {
			t.Fatalf("a new chunk of %d bytes is shared: %v", len(c.Data), !c.Unshared())
		}
		c.Retain(2)
		c.Release(1)
		c.Release(2)
	}
	body := bytes.Repeat([]byte("x"), 5000)
	if c := Copy(body); !bytes.Equal(c.Data[:len(body)], body) {
		t.Error("a copy differs")
	}
}
