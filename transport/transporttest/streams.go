// SPDX-License-Identifier: MIT

package transporttest

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/sprymq/spry/transport"
)

// large is how much the suite transfers at once each way: more than any buffer on the way holds.
const large = 8 << 20

// streamLarge transfers in both directions at the same time.
func (s *suite) streamLarge(t *testing.T) {
	dialed, accepted := s.pair(t)
	a, b := dialed.stream(t), accepted.stream(t)
	there, back := pattern(1, large), pattern(2, large)
	within(t, "a large transfer", func() {
		var both sync.WaitGroup
		both.Go(func() { mustWrite(t, a, there) })
		both.Go(func() { mustWrite(t, b, back) })
		both.Go(func() { mustRead(t, b, there) })
		both.Go(func() { mustRead(t, a, back) })
		both.Wait()
	})
}

// streamHalfClose ends one direction, and uses the other afterwards until it is ended too.
func (s *suite) streamHalfClose(t *testing.T) {
	for _, first := range []string{"dialed", "accepted"} {
		dialed, accepted := s.pair(t)
		a, b := dialed.stream(t), accepted.stream(t)
		if first == "accepted" {
			a, b = b, a
		}
		if _, ok := a.Conn.(closeWriter); !ok {
			t.Skipf("%T has no CloseWrite, so the engine will end links with Close alone", a.Conn)
		}
		there, back := pattern(1, 100_000), pattern(2, large)
		within(t, "a half-closed stream", func() {
			var both sync.WaitGroup
			both.Go(func() {
				mustWrite(t, a, there)
				mustCloseWrite(t, a)
				mustRead(t, a, back)
				mustEOF(t, a)
			})
			both.Go(func() {
				mustRead(t, b, there)
				mustEOF(t, b)
				mustWrite(t, b, back)
				mustCloseWrite(t, b)
			})
			both.Wait()
		})
	}
}

type closeWriter interface{ CloseWrite() error }

func mustCloseWrite(t *testing.T, s *transport.Stream) {
	t.Helper()
	if err := s.Conn.(closeWriter).CloseWrite(); err != nil {
		t.Errorf("CloseWrite: %v", err)
	}
}

// mustWrite writes all of p, and closes the stream if that fails, so that the other end does not wait.
func mustWrite(t *testing.T, s *transport.Stream, p []byte) {
	t.Helper()
	if n, err := s.Write(p); err != nil {
		t.Errorf("%d of %d bytes written: %v", n, len(p), err)
		_ = s.Close()
	}
}

func mustRead(t *testing.T, s *transport.Stream, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(s, got)
	switch {
	case err != nil:
		t.Errorf("%d of %d bytes read: %v", n, len(want), err)
		_ = s.Close()
	case !bytes.Equal(got, want):
		t.Errorf("%d bytes arrived that differ from those written", n)
	}
}

func mustEOF(t *testing.T, s *transport.Stream) {
	t.Helper()
	if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the peer's last byte Read returns %d, %v; 0, io.EOF is expected", n, err)
	}
}
