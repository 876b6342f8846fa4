// SPDX-License-Identifier: MIT

package msg

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/buf"
)

// shared returns a message of n bytes, with a routing header of head bytes, in a chunk of size bytes, and that chunk with a
// reference of the caller's.
func shared(size, head, n int) (Message, *buf.Chunk) {
	c := buf.Wrap(bytes.Repeat([]byte("abcdefg"), size/7+1)[:size], nil)
	c.From = &Origin{}
	c.Retain(1)
	var m Message
	m.Share(c, 10, 10+head+n, head)
	m.came = true
	return m, c
}

func TestCost(t *testing.T) {
	plain, _ := shared(1000, 4, 100)
	empty := Of([]byte{})
	frames := make([][]byte, 1000)
	for i := range frames {
		frames[i] = []byte{}
	}
	many := OfFrames(frames)
	for name, test := range map[string]struct {
		m    Message
		want int
	}{
		"zero":         {Message{}, BaseCost},
		"shared":       {plain, BaseCost + 104},
		"empty":        {empty, BaseCost + extensionCost},
		"empty frames": {many, BaseCost + extensionCost + partsCost + 999*FrameCost},
	} {
		if got := test.m.Cost(); got != test.want {
			t.Errorf("%s: cost %d, want %d", name, got, test.want)
		}
	}
}

// The spans of a run are its messages, each once, and cost what they do.
func TestSpans(t *testing.T) {
	a, _ := shared(1000, 4, 100)
	b, _ := shared(1000, 0, 50)
	framed := a
	framed.ext = &extension{more: &parts{header: []byte("head"), frames: [][]byte{[]byte("x"), nil}}}
	own := Of([]byte("own"))
	run := []Message{a, a, framed, b, b, own, OfFrames([][]byte{{1}, {2, 3}}), {}, a, own}
	want := []Span{{Chunk: a.chunk, Messages: 3}, {Chunk: b.chunk, Messages: 2}, {Messages: 3}, {Chunk: a.chunk, Messages: 1}, {Messages: 1}}
	for i, next := 0, 0; next < len(run); i++ {
		w := want[i]
		for k := range run[next : next+w.Messages] {
			m := &run[next+k]
			w.Cost += int64(m.Cost())
			if w.Chunk != nil {
				w.Stream += m.StreamSize()
			}
		}
		if got := FirstSpan(run[next:]); got != w {
			t.Fatalf("span %d is %+v, want %+v", i, got, w)
		}
		next += w.Messages
	}
}

// A message that uses a small part of a chunk gets memory of its own, and lets go of the chunk. Its contents, its origin and
// its clones stay as they are.
func TestCompact(t *testing.T) {
	for _, frames := range []int{1, 2, 50} {
		t.Run(fmt.Sprint(frames), func(t *testing.T) {
			m, c := shared(100_000, 4, 100)
			for i := 1; i < frames; i++ {
				m.parts().frames = append(m.parts().frames, c.Data[i*200:i*200+i:i*200+i])
			}
			before, clone := m.Clone(), m.Clone()
			origin := m.Origin()
			m.Compact()
			before.Release()
			if m.Owner() != nil || m.Retained() > m.Cost()+compactSlack {
				t.Errorf("a compact message of %d bytes keeps %d", m.Len(), m.Retained())
			}
			if !bytes.Equal(m.Header(), clone.Header()) || !bytes.Equal(m.Bytes(), clone.Bytes()) || m.Count() != clone.Count() {
				t.Error("the contents differ")
			}
			if m.Origin() != origin || origin == nil {
				t.Error("the origin differs")
			}
			want := clone.Detach()
			clone.Release()
			if !c.Unshared() {
				t.Error("somebody has a reference of the chunk still")
			}
			clear(c.Data)
			if !bytes.Equal(m.Detach(), want) {
				t.Error("a compact message lies in the chunk still")
			}
			m.Release()
		})
	}
}

// What uses half of its memory is not copied, nor is it worth a copy to save a little.
func TestCompactKeeps(t *testing.T) {
	for _, size := range []int{100, 300, 10_000} {
		m, c := shared(2*size, 0, size-10)
		m.Compact()
		if m.Owner() != c {
			t.Errorf("%d of %d bytes were copied", size-10, 2*size)
		}
	}
	var none Message
	none.Compact()
	if none.Len() != 0 || none.ext != nil {
		t.Error("an empty message got memory")
	}
	own := New(1 << 20)
	_, _ = own.Write([]byte("abc"))
	own.Compact()
	if own.Retained() > 1000 || string(own.Body()) != "abc" {
		t.Errorf("3 bytes keep %d", own.Retained())
	}
}

// A batch of messages of many frames, which a peer sends in two bytes each, is full before it takes more memory than a chunk.
func TestBatchIsFullOfFrames(t *testing.T) {
	chunk := buf.NewChunk(1 << 10)
	b := Batch{Msgs: make([]Message, 0, 500), Chunk: chunk}
	frames := make([][]byte, 1000)
	for i := range frames {
		frames[i] = chunk.Data[:0]
	}
	for want := 1; want <= 3; want++ {
		cost := 0
		for !b.Full() {
			b.AddFrames(nil, frames)
			cost += b.Msgs[len(b.Msgs)-1].Cost()
		}
		if cost > 256<<10 {
			t.Errorf("the batch was full with %d bytes of memory", cost)
		}
		if run := b.Next(); len(run) == 0 || len(b.Msgs) != 0 || b.Full() {
			t.Fatalf("a batch of %d messages has %d after they were taken, full: %v", len(run), len(b.Msgs), b.Full())
		}
	}
}
