// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

// A pipe whose peer does not read for days drops its oldest messages all the time. It must not remember those.
func TestEncodedForgetsWhatItDropped(t *testing.T) {
	e, body := &encoded{}, make([]byte, 100)
	for range 50 {
		e.put(plain, nil, body, nil)
	}
	for range 200_000 {
		e.put(plain, nil, body, nil)
		e.drop()
	}
	blocks := 0
	for _, s := range e.segments {
		blocks += cap(s.bytes)
	}
	t.Logf("50 frames after 200000 drops: room for %d frames, %d bytes of blocks", cap(e.frames), blocks)
	if cap(e.frames) > 1000 {
		t.Errorf("50 frames take memory for %d", cap(e.frames))
	}
	if blocks > 2*maxBlock {
		t.Errorf("%d bytes of frames take %d bytes of blocks", e.size, blocks)
	}
}

// A run that never falls empty, because its peer takes a part of it at a time, uses its blocks again.
func TestEncodedReusesBlocksThatWereWrittenInParts(t *testing.T) {
	a, b := &encoded{}, &encoded{}
	body := make([]byte, 200)
	round := func() {
		for range 1000 {
			a.put(plain, nil, body, nil)
		}
		for partial := 0; a.len() > 0; {
			n := min(int64(3001), a.size-int64(partial))
			_, partial = a.written(n, partial)
		}
		b.reset(true)
		a, b = b, a
	}
	for range 50 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations in a round of 1000 messages, want none", n)
	}
}

func TestEncodedIdleKeepsLittle(t *testing.T) {
	e := &encoded{}
	for range 10_000 {
		e.put(plain, nil, make([]byte, 1000), nil)
	}
	e.reset(false)
	kept := 0
	for _, b := range e.spare {
		kept += cap(b)
	}
	if kept > keepBlock || cap(e.frames) > keepBlock/16 {
		t.Errorf("an idle pipe keeps %d bytes of blocks and room for %d frames", kept, cap(e.frames))
	}
}

// Blocks grow with the traffic: a pipe of small messages begins small.
func TestEncodedBlocksGrow(t *testing.T) {
	e := &encoded{}
	var sizes []int
	for len(sizes) < 7 {
		e.put(plain, nil, make([]byte, 100), nil)
		if n := len(e.segments); n > len(sizes) {
			sizes = append(sizes, cap(e.segments[n-1].bytes))
		}
	}
	for i, size := range sizes {
		if want := min(minBlock<<(2*i), maxBlock); size < want || size > want+want/4 {
			t.Errorf("blocks of %v bytes, want them to begin with %d and to grow fourfold up to %d", sizes, minBlock, maxBlock)
			break
		}
	}
}

// A large body by message is written from where it is, and let go of when it has been written or dropped, once.
func TestEncodedBodiesByReference(t *testing.T) {
	released := 0
	body := bytes.Repeat([]byte("r"), byReference)
	wrapped := func() *msg.Message { return msg.Wrap(body, func() { released++ }) }
	e := &encoded{}
	m := wrapped()
	e.put(plain, []byte("head"), nil, m)
	if m.Len() != 0 || released != 0 {
		t.Errorf("after put the message has %d bytes and was released %d times", m.Len(), released)
	}
	bs := e.buffers(nil, 0)
	if len(bs) != 2 || &bs[1][0] != &body[0] {
		t.Error("the body was copied")
	}
	e.put(plain, nil, nil, wrapped())
	if frames, rest := e.written(e.size-1, 0); frames != 1 || released != 1 || rest != int(e.size)-1 {
		t.Errorf("all but a byte is written: %d frames, %d bytes of the next, %d released", frames, rest, released)
	}
	back := e.messages()
	if len(back) != 1 || !bytes.Equal(back[0].Bytes(), body) || &back[0].Bytes()[0] == &body[0] {
		t.Error("a frame that nobody took does not come back as a message with a body of its own")
	}
	e.put(plain, nil, nil, wrapped())
	e.drop()
	e.put(plain, nil, nil, wrapped())
	e.reset(true)
	e.reset(true)
	if released != 4 {
		t.Errorf("4 bodies were released %d times", released)
	}

	// By bytes, the body is the caller's again when put returns.
	mine := bytes.Repeat([]byte("m"), byReference)
	e.put(plain, nil, mine, nil)
	clear(mine)
	if got := e.messages(); got[0].Bytes()[0] != 'm' {
		t.Error("a body was not copied that belongs to the caller")
	}
}
