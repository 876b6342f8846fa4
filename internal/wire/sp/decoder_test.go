// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"unsafe"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// outcome is what decoding a stream came to.
type outcome struct {
	messages []string // header and body, as "hex|hex"
	expired  int
	reason   reasons.Reason
}

func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.messages, p.messages) && o.expired == p.expired && o.reason == p.reason
}

// decode feeds a decoder the parts of a stream as a reader does, with batches of the given capacity, and
// checks what Decode promises of each call.
func decode(tb testing.TB, d wire.Decoder, capacity int, parts ...[]byte) (o outcome) {
	tb.Helper()
	var held []byte
	need := 0
	for _, part := range parts {
		held = append(held, part...)
		if len(held) < need {
			continue // a reader may wait until there is enough
		}
		for {
			data := slices.Clip(held)
			b := newBatch(data, capacity)
			n, more, err := d.Decode(data, b)
			if n < 0 || n > len(data) {
				tb.Fatalf("consumed %d of %d bytes", n, len(data))
			}
			for i := range b.Msgs {
				m := &b.Msgs[i]
				checkSlice(tb, data[:n], m.Body())
				checkSlice(tb, data[:n], m.Header())
				if m.Origin() != b.Chunk.From || m.Owner() != b.Chunk {
					tb.Fatal("the message does not know its batch's chunk and origin")
				}
				o.messages = append(o.messages, fmt.Sprintf("%x|%x", m.Header(), m.Body()))
			}
			o.expired += b.Expired
			held, need = held[n:], more
			if err != nil {
				o.reason = reason(tb, err)
				return o
			}
			if b.Full() && len(held) > 0 {
				if n == 0 {
					tb.Fatal("a full batch and nothing consumed")
				}
				continue
			}
			if within := len(held) > 0; within && need <= len(held) || !within && need != 0 {
				tb.Fatalf("%d bytes are left and %d are said to be needed", len(held), need)
			}
			break
		}
	}
	return o
}

// checkSlice fails unless part is a slice of data that cannot grow into what follows it.
func checkSlice(tb testing.TB, data, part []byte) {
	tb.Helper()
	if cap(part) != len(part) {
		tb.Fatalf("a slice of %d bytes has room for %d: appending to it would write into the next message",
			len(part), cap(part))
	}
	if len(part) == 0 {
		return
	}
	offset := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	if offset > uintptr(len(data)-len(part)) {
		tb.Fatal("a message was copied, or lies beyond what was consumed")
	}
}

// decodeEveryWay decodes a stream whole, in two parts cut at every offset, and byte by byte, in batches of
// one message and of many.
func decodeEveryWay(t *testing.T, d wire.Decoder, stream []byte, want outcome) {
	t.Helper()
	for _, capacity := range []int{1, 2, 64} {
		for cut := range len(stream) + 1 {
			if got := decode(t, d, capacity, stream[:cut], stream[cut:]); !got.equal(want) {
				t.Fatalf("cut at %d, in batches of %d: got\n%v, want\n%v", cut, capacity, got, want)
			}
		}
		if got := decode(t, d, capacity, slices.Collect(slices.Chunk(stream, 1))...); !got.equal(want) {
			t.Fatalf("byte by byte, in batches of %d: got\n%v, want\n%v", capacity, got, want)
		}
	}
}

func TestDecodeSaysHowMuchIsNeeded(t *testing.T) {
	for _, tc := range []struct {
		framing sp.Framing
		data    string
		need    int
	}{
		{sp.FramingLength, "", 0},
		{sp.FramingLength, "\x00", 8},
		{sp.FramingLength, "\x00\x00\x00\x00\x00\x00\x00", 8},
		{sp.FramingLength, "\x00\x00\x00\x00\x00\x00\x00\x05", 13},
		{sp.FramingLength, "\x00\x00\x00\x00\x00\x00\x00\x05abcd", 13},
		{sp.FramingLength, "\x00\x00\x00\x00\x00\x00\x00\x05abcde", 0},
		{sp.FramingLength, "\x00\x00\x00\x00\x00\x00\x00\x01a\x00", 8},
		{sp.FramingTyped, "", 0},
		{sp.FramingTyped, "\x01", 9},
		{sp.FramingTyped, "\x01\x00\x00\x00\x00\x00\x00\x00\x05", 14},
	} {
		b := newBatch([]byte(tc.data), 4)
		if _, need, err := session(t, sp.Pull, tc.framing, 0, 8).Decoder.Decode([]byte(tc.data), b); need != tc.need || err != nil {
			t.Errorf("of %x %d bytes are needed, error %v; want %d", tc.data, need, err, tc.need)
		}
	}
}

func TestDecodeStopsAtAFullBatch(t *testing.T) {
	stream := sp.FramingLength.AppendFrame(nil, nil, []byte("one"))
	first := len(stream)
	stream = sp.FramingLength.AppendFrame(stream, nil, []byte("two"))
	d := session(t, sp.Pull, sp.FramingLength, 0, 8).Decoder

	b := newBatch(stream, 1)
	if n, need, err := d.Decode(stream, b); n != first || need != 0 || err != nil {
		t.Fatalf("consumed %d, needs %d, error %v; want %d, 0, nil", n, need, err, first)
	}
	if n, need, err := d.Decode(stream[first:], b); n != 0 || need != 0 || err != nil {
		t.Fatalf("a full batch took %d bytes, needs %d, error %v", n, need, err)
	}
}

// TestNoLengthOverflows announces lengths around every limit; none may be believed, whatever the size of int.
func TestNoLengthOverflows(t *testing.T) {
	for _, limit := range []int64{0, 1, 16 << 20, 1 << 31, 1<<60 - 1, 1 << 60, math.MaxInt64} {
		for _, f := range []sp.Framing{sp.FramingLength, sp.FramingTyped} {
			d := session(t, sp.Pull, f, limit, 8).Decoder
			for shift := range 64 {
				for _, length := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, math.MaxUint64 >> shift} {
					frame := header(f, length)
					_, need, err := d.Decode(frame, newBatch(frame, 1))
					tooLong := length > 1<<60-1 || limit > 0 && length > uint64(limit) ||
						length > math.MaxInt-uint64(len(frame))
					switch {
					case tooLong && reason(t, err) != reasons.Oversize:
						t.Errorf("limit %d, length %d: error %v, want oversize", limit, length, err)
					case !tooLong && length > 0 && (err != nil || uint64(need) != uint64(len(frame))+length):
						t.Errorf("limit %d, length %d: needs %d, error %v", limit, length, need, err)
					}
				}
			}
		}
	}
}

// header returns what comes before a message of this length.
func header(f sp.Framing, length uint64) []byte {
	frame := f.AppendHead(nil, nil, 0)
	for i := range 8 {
		frame[len(frame)-1-i] = byte(length >> (8 * i))
	}
	return frame
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	headers := map[wire.Envelope][]string{
		wire.EnvelopeNone:      {""},
		wire.EnvelopeHops:      {"\x00\x00\x00\x01", "\x00\x00\x00\x08"},
		wire.EnvelopeBacktrace: {"\x80\x00\x00\x00", "\x00\x00\x00\x00\xff\xff\xff\xff"},
	}
	bodies := []string{"", "a", "\x80\x00\x00\x00", string(make([]byte, 70_000))}
	for number := range 1 << 16 {
		p, ok := sp.Lookup(uint16(number))
		if !ok {
			continue
		}
		for _, f := range []sp.Framing{sp.FramingLength, sp.FramingTyped} {
			var stream []byte
			var want outcome
			for _, h := range headers[p.Envelope] {
				for _, body := range bodies {
					stream = f.AppendFrame(stream, []byte(h), []byte(body))
					want.messages = append(want.messages, fmt.Sprintf("%x|%x", h, body))
				}
			}
			d := session(t, p.Number, f, 0, 8).Decoder
			for _, size := range []int{1 << 10, 64 << 10, len(stream)} {
				if got := decode(t, d, 3, slices.Collect(slices.Chunk(stream, size))...); !got.equal(want) {
					t.Errorf("%s, %d bytes at a time: messages differ", p.Name, size)
				}
			}
		}
	}
}

func TestFramingsAreComparable(t *testing.T) {
	of := func(number uint16, f sp.Framing) wire.Framing { return session(t, number, f, 0, 8).Framing }
	if of(sp.Push, sp.FramingLength) != of(sp.Bus, sp.FramingLength) {
		t.Error("two pipes of tcp have different framings")
	}
	if of(sp.Push, sp.FramingLength) == of(sp.Push, sp.FramingTyped) {
		t.Error("tcp and ipc have the same framing")
	}
}

func TestCodecDoesNotAllocate(t *testing.T) {
	for _, number := range []uint16{sp.Pull, sp.Pair1, sp.Rep, sp.Req} {
		for _, f := range []sp.Framing{sp.FramingLength, sp.FramingTyped} {
			var stream []byte
			headers := map[uint16][]byte{sp.Pair1: {0, 0, 0, 1}, sp.Rep: {0x80, 0, 0, 0}, sp.Req: {0x80, 0, 0, 0}}
			for i := range 64 {
				stream = f.AppendFrame(stream, headers[number], []byte(strconv.Itoa(i)))
			}
			d, b := session(t, number, f, 0, 8).Decoder, newBatch(stream, 64)
			allocs := testing.AllocsPerRun(100, func() {
				b.Msgs = b.Msgs[:0]
				if n, _, err := d.Decode(stream, b); n != len(stream) || err != nil {
					t.Fatal(n, err)
				}
			})
			if allocs != 0 {
				t.Errorf("Decode of protocol 0x%02x allocates %v times", number, allocs)
			}
		}
	}
	dst, body := make([]byte, 0, 128), make([]byte, 64)
	for _, f := range []wire.Framing{sp.FramingLength, sp.FramingTyped} {
		if allocs := testing.AllocsPerRun(100, func() { dst = f.AppendFrame(dst[:0], body[:4], body) }); allocs != 0 {
			t.Errorf("AppendFrame into enough room allocates %v times", allocs)
		}
	}
}
