// SPDX-License-Identifier: MIT

package buf

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestChunkIsFreedOnce(t *testing.T) {
	freed := 0
	c := Wrap([]byte("data"), func() { freed++ })
	c.Retain(5)
	c.Release(3)
	if c.Unshared() || freed != 0 {
		t.Error("a chunk with three references is unshared or free")
	}
	c.Release(2)
	if !c.Unshared() || freed != 0 {
		t.Error("a chunk with one reference is shared or free")
	}
	c.Release(1)
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
	NewChunk(10).Release(1) // without anything to be called
}

func TestReleaseTooMuch(t *testing.T) {
	freed := 0
	c := Wrap(nil, func() { freed++ })
	c.Release(1)
	defer func() {
		if recover() == nil || freed != 1 {
			t.Errorf("one release too many goes unnoticed, or frees again: freed %d times", freed)
		}
	}()
	c.Release(1)
}

func TestChunkOfMany(t *testing.T) {
	const holders, rounds = 8, 200
	for range rounds {
		var freed atomic.Int32
		c := Wrap(make([]byte, 1), func() { freed.Add(1) })
		var all sync.WaitGroup
		for range holders {
			c.Retain(2)
			all.Go(func() {
				c.Retain(1)
				c.Release(2)
				c.Release(1)
			})
		}
		c.Release(1)
		all.Wait()
		if n := freed.Load(); n != 1 {
			t.Fatalf("freed %d times", n)
		}
	}
}
