// SPDX-License-Identifier: MIT

package engine

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// pieces is a connection that gives data in pieces of these sizes, again and again, and watches how much room it is
// read into: no more than a small multiple of what has come.
func pieces(tb testing.TB, data []byte, sizes []byte) *fakeConn {
	read, turn := 0, 0
	return &fakeConn{onRead: func(p []byte) (int, error) {
		if len(p) == 0 {
			tb.Fatal("a read without room")
		}
		if len(p) > max(headStart, 8*read) {
			tb.Fatalf("after %d bytes there is room for %d more: memory is spent on what has not come", read, len(p))
		}
		if read == len(data) {
			return 0, io.EOF
		}
		n := len(data)
		if len(sizes) > 0 {
			n = 1 + int(sizes[turn%len(sizes)])*int(sizes[turn%len(sizes)])
			turn++
		}
		n = copy(p, data[read:min(len(data), read+n)])
		read += n
		return n, nil
	}}
}

// decodeWhole is what a decoder makes of data that is there at once.
func decodeWhole(d wire.Decoder, data []byte) (bodies []string, expired int, rest int, err error) {
	b := &msg.Batch{Msgs: make([]msg.Message, 0, len(data)+1), Chunk: buf.Wrap(data, nil)}
	n, _, err := d.Decode(data, b)
	for i := range b.Msgs {
		bodies = append(bodies, string(b.Msgs[i].Body()))
	}
	return bodies, b.Expired, len(data) - n, err
}

func checkReader(tb testing.TB, protocol uint16, data, sizes []byte, refusing int) {
	const limit = 100 << 10
	r := &recorder{}
	s, e := testSocket(Options{}, r)
	session := streamSession(tb, protocol, limit)
	p, c := streamPipe(tb, e, pieces(tb, data, sizes), session)
	if refusing > 0 { // now and then the pattern has no room for all of a run
		calls := 0
		r.refuse = func(run []msg.Message) int {
			if calls++; calls%(refusing+1) == 0 {
				c.resume()
				return len(run) - len(run)/2
			}
			return 0
		}
	}
	err := c.read()
	bodies, expired, rest, want := decodeWhole(session.Decoder, data)
	switch {
	case want != nil:
		if err == nil || err.Error() != want.Error() {
			tb.Fatalf("the reader says %v, the decoder %v", err, want)
		}
	case rest > 0 && err != io.ErrUnexpectedEOF || rest == 0 && err != io.EOF:
		tb.Fatalf("with %d bytes of a frame left: %v", rest, err)
	}
	if !slices.Equal(r.bodies, bodies) {
		tb.Fatalf("%d messages came, %d were sent, or they differ", len(r.bodies), len(bodies))
	}
	for i := range r.received { // whose memory was not written again while they were held
		if string(r.received[i].Body()) != bodies[i] {
			tb.Fatalf("message %d changed after it was received", i)
		}
		if r.received[i].Origin() != &p.origin {
			tb.Fatalf("message %d does not know where it came from", i)
		}
	}
	in := p.Stats().Recv
	if in.Arrived != uint64(len(bodies)+expired) || in.Delivered != uint64(len(bodies)) || in.Dropped["ttl"] != uint64(expired) {
		tb.Fatalf("%d messages and %d expired ones are counted as %+v", len(bodies), expired, in)
	}
	p.end(err)
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// FuzzStreamReader feeds a reader any bytes in any pieces: it says what the decoder says of the whole, and its memory
// stays in proportion to what has come.
func FuzzStreamReader(f *testing.F) {
	frame := func(body int) []byte { return sp.FramingLength.AppendFrame(nil, nil, make([]byte, body)) }
	f.Add(byte(0), slices.Concat(frame(0), frame(1), frame(5000), frame(3)), []byte{1, 70, 3}, byte(0))
	f.Add(byte(0), slices.Concat(frame(90<<10), frame(10)), []byte{200, 90}, byte(1))
	f.Add(byte(0), binary.BigEndian.AppendUint64(nil, 1<<63), []byte{}, byte(0))
	f.Add(byte(0), binary.BigEndian.AppendUint64(nil, 100<<10), []byte{0}, byte(0))
	f.Add(byte(1), sp.FramingLength.AppendFrame(frame(3), []byte{0x80, 0, 0, 1}, []byte("request")), []byte{0}, byte(0))
	f.Add(byte(2), sp.FramingLength.AppendFrame(nil, []byte{0, 0, 0, 9}, []byte("too far")), []byte{2}, byte(2))
	f.Fuzz(func(t *testing.T, which byte, data, sizes []byte, refusing byte) {
		checkReader(t, []uint16{sp.Pull, sp.Rep, sp.Pair1}[which%3], data, sizes, int(refusing%5))
	})
}

// Streams of all kinds of frames, in all kinds of pieces.
func TestStreamReader(t *testing.T) {
	for _, sizes := range [][]byte{nil, {0}, {1, 2, 3}, {60}, {255}, {0, 255}} {
		for _, frames := range [][]int{{0}, {1, 0, 2}, {100, 4000, 5000, 100}, {100 << 10}, {60 << 10, 1, 60 << 10, 1, 100 << 10}} {
			var data []byte
			for range 3 {
				for i, n := range frames {
					body := make([]byte, n)
					for k := range body {
						body[k] = byte(i + k*7)
					}
					data = sp.FramingLength.AppendFrame(data, nil, body)
				}
			}
			for _, refusing := range []int{0, 1, 4} {
				checkReader(t, sp.Pull, data, sizes, refusing)
			}
			checkReader(t, sp.Pull, data[:len(data)-1], sizes, 0)
		}
	}
}

// Chunks grow with a busy connection and shrink with a quiet one.
func TestStreamReaderAdapts(t *testing.T) {
	r := &streamReader{size: buf.MinChunk}
	var grown []int
	for range 5 {
		r.adapt(r.size, r.size)
		grown = append(grown, r.size>>10)
	}
	if !slices.Equal(grown, []int{16, 64, 256, 256, 256}) {
		t.Errorf("chunks grow to %v KiB", grown)
	}
	for range quietReads - 1 {
		r.adapt(100, r.size)
	}
	r.adapt(r.size/2, r.size) // not quiet after all
	for range quietReads - 1 {
		r.adapt(100, r.size)
	}
	if r.size != buf.MaxChunk {
		t.Errorf("a chunk shrank to %d before %d quiet reads in a row", r.size, quietReads)
	}
	for range 10 * quietReads {
		r.adapt(100, r.size)
	}
	if r.size != buf.MinChunk {
		t.Errorf("after much quiet a chunk has %d bytes, want %d", r.size, buf.MinChunk)
	}
}

// A pipe that ends while its pattern has no room counts what it could not hand on.
func TestReaderEndsWhileThePatternIsFull(t *testing.T) {
	var data []byte
	for range 10 {
		data = sp.FramingLength.AppendFrame(data, nil, []byte("x"))
	}
	full := make(chan struct{})
	r := &recorder{refuse: func(run []msg.Message) int { close(full); return len(run) - 3 }}
	s, e := testSocket(Options{}, r)
	p, c := streamPipe(t, e, pieces(t, data, nil), streamSession(t, sp.Pull, 0))
	ended := make(chan error)
	go func() { ended <- c.read() }()
	<-full
	p.end(ErrClosed)
	if err := <-ended; !errors.Is(err, ErrPipeClosed) {
		t.Errorf("the reader ended with %v", err)
	}
	if in := p.Stats().Recv; in.Delivered != 3 || in.Dropped["pipe_closed"] == 0 || in.Arrived != 3+in.Dropped["pipe_closed"] {
		t.Errorf("figures %+v", in)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Frames of one size end with a read, so that none has to be copied to the next chunk, where that is worth while.
func TestReadsEndWithFrames(t *testing.T) {
	for _, c := range []struct{ frame, start, end, want int }{
		{64<<10 + 8, 0, 0, 3 * (64<<10 + 8)},
		{64<<10 + 8, 100, 5000, 100 + 3*(64<<10+8)},
		{64<<10 + 8, 200 << 10, 200 << 10, 256 << 10}, // none fits
		{4104, 0, 0, 63 * 4104},
		{72, 0, 0, 256 << 10},        // too small to matter
		{1<<20 + 8, 0, 0, 256 << 10}, // too large
		{0, 0, 0, 256 << 10},
	} {
		r := &streamReader{chunk: buf.Wrap(make([]byte, 256<<10), nil), frame: c.frame, start: c.start, end: c.end}
		if got := r.readUpTo(); got != c.want {
			t.Errorf("frames of %d bytes, of which %d to %d are there: a read goes up to %d, want %d", c.frame, c.start, c.end, got, c.want)
		}
	}
}

// A reader that waits keeps no memory to read into, unless something is in it that is not decoded, or messages point to it.
func TestIdleReaderReleasesItsChunk(t *testing.T) {
	leak.Check(t)
	s, e := testSocket(Options{}, &recorder{})
	defer s.Close()
	p, c := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pull, 0))
	r := &streamReader{c: c, size: buf.MinChunk, held: p.account.NewMeter()}
	for name, test := range map[string]struct {
		rest, messages int
		keeps          bool
	}{"nothing": {}, "half a frame": {rest: 1, keeps: true}, "messages": {messages: 1, keeps: true}} {
		room := r.Room()
		chunk := r.chunk
		r.end += copy(room, "x"[:test.rest])
		chunk.Retain(test.messages)
		if r.Idle(); (r.chunk != nil) != test.keeps {
			t.Errorf("with %s in it: the chunk is kept %v", name, r.chunk != nil)
		}
		chunk.Release(test.messages)
		r.replace(nil, 0)
	}
}
