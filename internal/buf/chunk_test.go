// SPDX-License-Identifier: MIT

package buf

import (
	"bytes"
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
	before := Excess()
	c.Release(1)
	c.Release(1)
	if n := Excess() - before; n != 2 || freed != 1 {
		t.Errorf("two releases too many: %d were counted, and the chunk was freed %d times", n, freed)
	}
	pooled := NewChunk(minPooled)
	pooled.Release(1)
	pooled.Release(1) // a chunk that is in its pool does not get there a second time
	a, b := NewChunk(minPooled), NewChunk(minPooled)
	if a == b {
		t.Error("two readers have the same chunk")
	}
}

// Whoever still points to a chunk that was released keeps neither its memory nor where that came from in use.
func TestReleasedChunkKeepsNothing(t *testing.T) {
	for name, c := range map[string]*Chunk{
		"pooled":      NewChunk(MaxStale + 1),
		"not pooled":  NewChunk(minPooled - 1),
		"of messages": NewChunk(maxPooled),
	} {
		c.From = new(int)
		c.Retain(1)
		c.Release(2)
		if len(c.Data) > 0 || c.From != nil {
			t.Errorf("a chunk (%s) has %d bytes, from %v, after its last reference went", name, len(c.Data), c.From)
		}
	}
}

// The memory of a large copy is used again without a new chunk.
func TestLargeCopiesAllocateNothing(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 64<<10)
	if n := testing.AllocsPerRun(1000, func() { Copy(body).Release(1) }); n >= 1 {
		t.Errorf("a copy allocates %v times", n)
	}
}

func TestScratchAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(1000, func() { NewScratch(64 << 10).Release(1) }); n >= 1 {
		t.Errorf("memory for a write allocates %v times", n)
	}
	c := NewScratch(64 << 10)
	c.Release(1)
	if c = NewChunk(64 << 10); c.alone {
		t.Error("a chunk for messages is taken for one that nothing points to")
	}
	c.Release(1)
}

// A callback of the user runs in the application's own call, or else in a goroutine of its own, where a panic ends nothing.
func TestForeignRelease(t *testing.T) {
	here := false
	WrapForeign(nil, func() { here = true }).ReleaseHere(1)
	if !here {
		t.Error("ReleaseHere returned before the callback ran")
	}
	var mu sync.Mutex
	ran := make(chan struct{})
	mu.Lock()
	WrapForeign(nil, func() {
		mu.Lock() // which the caller of Release has
		defer mu.Unlock()
		close(ran)
		panic("of the user")
	}).Release(1)
	mu.Unlock()
	<-ran
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
