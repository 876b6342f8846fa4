// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// What is written by reference is what would have been copied.
func TestFramesByReference(t *testing.T) {
	header := []byte{0, 0, 0, 9, 0x80, 0, 0, 1}
	for _, pair := range [][2]zmtp.Socket{{zmtp.Push, zmtp.Pull}, {zmtp.Req, zmtp.Rep}, {zmtp.Rep, zmtp.Req}, {zmtp.Dealer, zmtp.Router}} {
		s, _ := plainPair(t, pair[0], pair[1])
		f := s.Framing
		for _, size := range []int{0, 1, 255, 256, 70000} {
			body := bytes.Repeat([]byte("b"), size)
			head := f.AppendHead([]byte("before"), header, size)
			if got, want := append(head, body...), f.AppendFrame([]byte("before"), header, body); !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes: % x, want % x", pair[0].Name(), size, head, want[:len(want)-size])
			}
			frames := []string{"first", "", string(body)}
			parts := encode(s, header, frames...)
			if back := s.Multipart.Frames(parts); len(back) != 3 || string(back[0]) != "first" || len(back[1]) > 0 || !bytes.Equal(back[2], body) {
				t.Errorf("%s, %d bytes in several frames came back as %d", pair[0].Name(), size, len(back))
			}
		}
	}
}

// Pipes share encoded bytes if their framings are equal: those of a kind are, and sealed ones never.
func TestFramingsThatAreEqual(t *testing.T) {
	a, _ := plainPair(t, zmtp.Pub, zmtp.Sub)
	b, _ := plainPair(t, zmtp.Pub, zmtp.XSub)
	if a.Framing != b.Framing || a.Sealed {
		t.Error("two subscribers cannot share what is published")
	}
	c, _ := curvePair(t, zmtp.Pub, zmtp.Sub)
	d, _ := curvePair(t, zmtp.Pub, zmtp.Sub)
	if c.Framing == d.Framing || c.Framing == a.Framing || !c.Sealed {
		t.Error("what is sealed for one is shared with another")
	}
	push, _ := plainPair(t, zmtp.Push, zmtp.Pull)
	if req, _ := plainPair(t, zmtp.Req, zmtp.Rep); req.Framing == push.Framing {
		t.Error("framings with and without an envelope are equal")
	}
}

// A message of as many frames as may be comes whole, in however many chunks, and one of more does not.
func TestMessagesOfManyFrames(t *testing.T) {
	for _, pair := range []func(testing.TB, zmtp.Socket, zmtp.Socket) (d, l *wire.Session){plainPair, curvePair} {
		frames := strings.Split(strings.Repeat("x,", 4095)+"end", ",")
		d, l := pair(t, zmtp.Push, zmtp.Pull)
		stream := encode(d, nil, frames...)
		got := decode(t, l.Decoder, 8, stream[:len(stream)/3], stream[len(stream)/3:])
		if want := describeMessage(message(frames...)); len(got.messages) != 1 || got.messages[0] != want {
			t.Errorf("%d messages, %q", len(got.messages), got.reason)
		}
		d, l = pair(t, zmtp.Push, zmtp.Pull)
		if got := decode(t, l.Decoder, 8, encode(d, nil, append(frames, "more")...)); got.reason != reasons.Oversize || len(got.messages) > 0 {
			t.Errorf("%d messages, %q", len(got.messages), got.reason)
		}
	}
}

// The body of a message of one frame, and the frames of one of several, lie where they came: nothing is copied.
func TestFramesLieInTheirChunk(t *testing.T) {
	d, l := plainPair(t, zmtp.Req, zmtp.Rep)
	data := encode(d, []byte{0x80, 0, 0, 1}, "one")
	data = append(data, encode(d, []byte{0x80, 0, 0, 2}, "two", "three")...)
	b := newBatch(data, 2)
	if n, _, err := l.Decoder.Decode(data, b); n != len(data) || err != nil || len(b.Msgs) != 2 {
		t.Fatal(n, err, len(b.Msgs))
	}
	copy(data[bytes.Index(data, []byte("one")):], "ONE")
	copy(data[bytes.Index(data, []byte("three")):], "THREE")
	if got := string(b.Msgs[0].Bytes()) + string(b.Msgs[1].Bytes()); got != "ONEtwoTHREE" {
		t.Errorf("the chunk has other bytes than the messages: %q", got)
	}
	if allocs := testing.AllocsPerRun(100, func() {
		b.Msgs = b.Msgs[:0]
		one := data[:bytes.Index(data, []byte("ONE"))+3]
		copy(one, "\x01\x04\x80\x00\x00\x01\x01\x00\x00\x03")
		if _, _, err := l.Decoder.Decode(one, b); err != nil {
			t.Fatal(err)
		}
	}); allocs > 0 && !testkit.Race {
		t.Errorf("decoding a request allocates %v times", allocs)
	}
}

// Sealing and opening allocate nothing.
func TestCurveAllocatesNothing(t *testing.T) {
	for _, size := range []int{64, 4 << 10} {
		d, l := curvePair(t, zmtp.Push, zmtp.Pull)
		body, dst := make([]byte, size), make([]byte, 0, size+64)
		b := newBatch(dst[:cap(dst)], 1)
		allocs := testing.AllocsPerRun(100, func() {
			dst, b.Msgs = d.Framing.AppendFrame(dst[:0], nil, body), b.Msgs[:0]
			if _, _, err := l.Decoder.Decode(dst, b); err != nil || len(b.Msgs) != 1 {
				t.Fatal(err)
			}
		})
		if allocs > 0 && !testkit.Race {
			t.Errorf("%d bytes: %v allocations", size, allocs)
		}
	}
}
