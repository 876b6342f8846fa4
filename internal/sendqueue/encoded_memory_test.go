// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
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
	if blocks > 2*largeBlock {
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
		b.reset()
		a, b = b, a
	}
	for range 50 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 20 { // the pool of blocks may be emptied meanwhile
		t.Errorf("%v allocations in a round of 1000 messages, want none", n)
	}
}

// A pipe that falls idle keeps no memory of its burst, and the next burst allocates none.
func TestIdlePipesKeepNothing(t *testing.T) {
	q := NewFrames(&wire.Session{Framing: plain})
	body := make([]byte, 1000)
	burst := func() {
		for range 1000 {
			q.Put(nil, body, nil)
		}
		for q.Take(nil) {
			_, size := q.Buffers(nil)
			q.Written(size)
		}
		q.Idle()
		if q.pend != nil || q.flight != nil {
			t.Fatal("an idle pipe keeps a run")
		}
	}
	burst()
	if n := testing.AllocsPerRun(100, burst); n > 50 { // the pool may be emptied meanwhile
		t.Errorf("%v allocations in a burst of 1000 messages", n)
	}
}

// A pipe of few small messages takes little: a small block comes before large ones.
func TestEncodedBlocksGrow(t *testing.T) {
	e := newEncoded()
	var sizes []int
	for len(sizes) < 3 {
		e.put(plain, nil, make([]byte, 100), nil)
		if n := len(e.segments); n > len(sizes) {
			sizes = append(sizes, cap(e.segments[n-1].bytes))
		}
	}
	if want := []int{smallBlock, largeBlock, largeBlock}; !slices.Equal(sizes, want) {
		t.Errorf("blocks of %v bytes, want %v", sizes, want)
	}
	e.free()
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
	back := e.messages(nil)
	if len(back) != 1 || !bytes.Equal(back[0].Bytes(), body) || &back[0].Bytes()[0] == &body[0] {
		t.Error("a frame that nobody took does not come back as a message with a body of its own")
	}
	e.put(plain, nil, nil, wrapped())
	e.drop()
	e.put(plain, nil, nil, wrapped())
	e.reset()
	e.reset()
	if released != 4 {
		t.Errorf("4 bodies were released %d times", released)
	}

	// By bytes, the body is the caller's again when put returns.
	mine := bytes.Repeat([]byte("m"), byReference)
	e.put(plain, nil, mine, nil)
	clear(mine)
	if got := e.messages(nil); got[0].Bytes()[0] != 'm' {
		t.Error("a body was not copied that belongs to the caller")
	}
}
