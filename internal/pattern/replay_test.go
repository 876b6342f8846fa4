// SPDX-License-Identifier: MIT

package pattern

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// A peer that subscribes to all last values and takes that back, again and again, and does not read, makes its publisher look
// at some of them once. What it was not sent is counted to the last.
func TestSubscribingAgainAndAgain(t *testing.T) {
	const values, times = 5000, 1000
	for _, dials := range []bool{true, false} {
		leak.Check(t)
		x, s := open(t, zmtpOptions(), func(s *engine.Socket, _ engine.Options) *XPub {
			return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, values)
		})
		for i := range values {
			must(t, x.Send(t.Context(), true, fmt.Appendf(nil, "topic-%06d", i), nil))
		}
		p := rawPeerOf(t, s, "SUB", dials)
		p.say(strings.Repeat("\x00\x01\x01\x00\x01\x00", times))
		until(t, "all of it is counted", func() bool { return s.Stats().Send.Offered == values*times })
		out := s.Stats().Send
		if most := int64(3*values) + int64(out.Sent); x.visited.Load() > most || x.visited.Load() < values {
			t.Errorf("peers dial %v: %d last values were looked at, want %d to %d", dials, x.visited.Load(), values, most)
		}
		if out.Offered != out.Sent+out.Queued+out.Dropped["overflow"] {
			t.Errorf("peers dial %v: of %d last values the books are %+v", dials, values*times, out)
		}
		_ = p.Close()
		_ = s.Close()
	}
}

// A subscriber that reads gets all last values as often as it subscribes.
func TestReplaysToAReader(t *testing.T) {
	leak.Check(t)
	const values, times = 300, 50
	x, s := open(t, zmtpOptions(), func(s *engine.Socket, _ engine.Options) *XPub {
		return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, values)
	})
	for i := range values {
		must(t, x.Send(t.Context(), true, fmt.Appendf(nil, "%04d", i), nil))
	}
	p := rawPeerOf(t, s, "SUB", true)
	for range times + replayFloor/values {
		p.say(command("SUBSCRIBE", ""))
		for i := range values {
			if got, want := string(p.hear(6)), fmt.Sprintf("\x00\x04%04d", i); got != want {
				t.Fatalf("heard %q, want %q", got, want)
			}
		}
		p.say(command("CANCEL", ""))
	}
}

// A subscriber gets all last values whatever their number is bounded by.
func TestReplayOfUnlimitedValues(t *testing.T) {
	leak.Check(t)
	const values = replayFloor + 1000
	x, s := open(t, zmtpOptions(), func(s *engine.Socket, _ engine.Options) *XPub {
		return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, math.MaxInt)
	})
	for i := range values {
		must(t, x.Send(t.Context(), true, fmt.Appendf(nil, "%04d", i), nil))
	}
	p := rawPeerOf(t, s, "SUB", true)
	p.say(command("SUBSCRIBE", ""))
	for i := range values {
		if got, want := string(p.hear(6)), fmt.Sprintf("\x00\x04%04d", i); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
}

// Last values do not keep what was received together with them, and are bounded by what they do keep.
func TestLastValueMemory(t *testing.T) {
	const limit, values, chunk = 1 << 20, 3000, 256 << 10
	v := newLastValues(values)
	v.limit = limit
	before := heapInUse()
	for i := range values {
		c := buf.NewChunk(chunk)
		n := copy(c.Data, fmt.Sprintf("topic-%07d", i))
		m := new(msg.Message)
		m.Share(c, 0, n, 0)
		v.put(m, uint64(i+1))
		if i == values/2 {
			large := msg.Of(make([]byte, 200<<10))
			v.put(&large, uint64(i+1))
		}
	}
	grown := heapInUse() - before
	t.Logf("%d values are charged %d bytes and take %d", v.topics.len(), v.bytes, grown)
	if v.bytes > limit || grown > 2*limit {
		t.Errorf("%d values are charged %d bytes and take %d, with a limit of %d", v.topics.len(), v.bytes, grown, limit)
	}
	if n := int(v.topics.len()); n < 2000 {
		t.Errorf("only %d values of 13 bytes fit into %d", n, limit)
	}
	runtime.KeepAlive(v)
}

// A value that is too large to be kept takes the place of no other, and its topic's old one is not kept either.
func TestLastValueTooLarge(t *testing.T) {
	v := newLastValues(10)
	v.limit = 1000
	for i, size := range []int{10, 20, 2000} {
		m := msg.OfFrames([][]byte{[]byte("ab"[i%2 : i%2+1]), make([]byte, size)})
		v.put(&m, uint64(i+1))
	}
	if got := v.of(""); !slices.Equal(got, []string{"b"}) || v.topics.len() != 1 {
		t.Errorf("kept are %q", got)
	}
	v.clear()
	if v.bytes != 0 {
		t.Errorf("nothing is charged %d bytes", v.bytes)
	}
}

// What is sent while values are replayed is not sent twice, and not followed by what it replaces.
func TestReplayLeavesWhatWasSentSince(t *testing.T) {
	leak.Check(t)
	x, s := open(t, zmtpOptions(), func(s *engine.Socket, _ engine.Options) *XPub {
		return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, 10)
	})
	for _, topic := range []string{"a", "b", "c"} {
		must(t, x.Send(t.Context(), true, []byte(topic), nil))
	}
	p := rawPeerOf(t, s, "SUB", true)
	p.say(command("SUBSCRIBE", "nothing"))
	must(t, x.WaitSubscribers(t.Context(), "nothing", 1))
	pipe := s.Pipes()[0]
	r := replay{x, pipe, pipe.State().(*xpubPeer), ""}
	values := r.find()
	must(t, x.Send(t.Context(), true, []byte("b"), nil)) // which the peer does not want, so that it would see the old one
	if n, full := r.offer(values); n != 3 || full {
		t.Fatalf("offered %d values, full %v", n, full)
	}
	if got := string(p.hear(6)); got != "\x00\x01a\x00\x01c" {
		t.Errorf("heard %q", got)
	}
	if r.find(); x.visited.Load() != 6 {
		t.Errorf("%d values were looked at", x.visited.Load())
	}
}
