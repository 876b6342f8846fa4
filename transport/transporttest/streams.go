// SPDX-License-Identifier: MIT

package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	within(t, "a large transfer", func() error {
		return together(a, b,
			func() error { return write(a, there) },
			func() error { return write(b, back) },
			func() error { return read(b, there) },
			func() error { return read(a, back) },
		)
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
		if !a.Info().HalfCloses {
			t.Skipf("%T has no CloseWrite, so the engine will end links with Close alone", a.Conn)
		}
		there, back := pattern(1, 100_000), pattern(2, large)
		within(t, "half-closing the "+first+" end first", func() error {
			return together(a, b,
				func() error {
					return errors.Join(write(a, there), closeWrite(a), read(a, back), readEnd(a))
				},
				func() error {
					return errors.Join(read(b, there), readEnd(b), write(b, back), closeWrite(b))
				},
			)
		})
	}
}

// together runs everything at once and returns all errors. The first one closes the streams, so that
// nothing waits for what will not come.
func together(a, b *transport.Stream, fs ...func() error) error {
	done := make(chan error, len(fs))
	for _, f := range fs {
		go func() { done <- f() }()
	}
	var failed []error
	for range fs {
		if err := <-done; err != nil {
			failed = append(failed, err)
			_, _ = a.Close(), b.Close()
		}
	}
	return errors.Join(failed...)
}

func closeWrite(s *transport.Stream) error {
	if err := s.CloseWrite(); err != nil {
		_ = s.Close()
		return fmt.Errorf("CloseWrite: %w", err)
	}
	return nil
}

// write writes all of p. As with the others here, a failure closes the stream, so that the other end does
// not wait either.
func write(s *transport.Stream, p []byte) error {
	if n, err := s.Write(p); err != nil {
		_ = s.Close()
		return fmt.Errorf("%d of %d bytes written: %w", n, len(p), err)
	}
	return nil
}

func read(s *transport.Stream, want []byte) error {
	got := make([]byte, len(want))
	if n, err := io.ReadFull(s, got); err != nil {
		_ = s.Close()
		return fmt.Errorf("%d of %d bytes read: %w", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		_ = s.Close()
		return fmt.Errorf("%d bytes arrived that differ from those written", len(got))
	}
	return nil
}

func readEnd(s *transport.Stream) error {
	n, err := s.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, io.EOF) {
		_ = s.Close()
		return expected("io.EOF after the peer's last byte", err)
	}
	return nil
}
