// SPDX-License-Identifier: MIT

package msg

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sprymq/spry/internal/buf"
)

// Messages that a packer moves keep their contents, header and origin, let go of their chunk, and are not written over while
// anybody needs them.
func TestPacker(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var p Packer
	origins := [2]Origin{}
	var kept []*Message
	var want [][]byte
	for range 300 {
		c := buf.NewChunk(32 << 10)
		c.From = &origins[dice.IntN(2)]
		for i := range c.Data {
			c.Data[i] = byte(dice.Uint32())
		}
		run := make([]Message, 1+dice.IntN(5))
		for i := range run {
			size := dice.IntN(100)
			if dice.IntN(10) == 0 {
				size = dice.IntN(20 << 10)
			}
			from := dice.IntN(len(c.Data) - size)
			c.Retain(1)
			run[i].Share(c, from, from+size, dice.IntN(size+1))
			run[i].came = true
			if dice.IntN(5) == 0 {
				run[i].AppendFrame([]byte("second"))
			}
			kept = append(kept, &run[i])
			want = append(want, append(bytes.Clone(run[i].Header()), run[i].Detach()...))
		}
		other := run[0].Clone()
		p.Pack(run, c.Use()+1, 1<<20)
		if run[0].Owner() != c {
			t.Fatal("a message of another chunk was moved")
		}
		p.Pack(run, c.Use(), 1<<20)
		other.Release()
		for i := range run {
			if run[i].Origin() != c.From {
				t.Fatal("the origin is lost")
			}
		}
		if !c.Unshared() {
			t.Fatal("a message that was moved keeps its chunk")
		}
		clear(c.Data)
		c.Release(1)
		for len(kept) > 100 {
			i := dice.IntN(len(kept))
			if got := append(bytes.Clone(kept[i].Header()), kept[i].Detach()...); !bytes.Equal(got, want[i]) {
				t.Fatalf("a message of %d bytes has changed", len(want[i]))
			}
			kept[i].Release()
			kept[i], want[i] = kept[len(kept)-1], want[len(want)-1]
			kept, want = kept[:len(kept)-1], want[:len(want)-1]
		}
	}
	p.End()
	for i, m := range kept {
		if got := append(bytes.Clone(m.Header()), m.Detach()...); !bytes.Equal(got, want[i]) {
			t.Fatal("a message has changed")
		}
		m.Release()
	}
}

// A packer's chunks are not larger than it is allowed, but for messages that are.
func TestPackerLimit(t *testing.T) {
	for _, limit := range []int{0, 8 << 10, 1 << 30} {
		var p Packer
		for size := 1; size < 100_000; size += 1 + size/3 {
			c := buf.NewChunk(256 << 10)
			run := make([]Message, 1)
			run[0].Share(c, 5, 5+size, 0)
			p.Pack(run, c.Use(), limit)
			if have := len(run[0].Owner().Data); have > max(min(max(limit, minPack), maxPack), size+size/8+1) {
				t.Errorf("limit %d: a message of %d bytes got a chunk of %d", limit, size, have)
			}
		}
	}
}
