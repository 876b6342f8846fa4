// SPDX-License-Identifier: MIT

package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// muxes are the two ends of a multiplexer.
func muxes(t *testing.T, a, b *stream.Bytes, o *stream.MuxOptions) (client, server *stream.Mux) {
	t.Helper()
	client, err := stream.NewMux(a, true, o)
	testkit.Check(t, err)
	server, err = stream.NewMux(b, false, o)
	testkit.Check(t, err)
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client, server
}

// echoMessages sends back what it receives, until the peer's end.
func echoMessages(ctx context.Context, m *stream.Messages) error {
	for {
		p, err := m.Receive(ctx)
		if errors.Is(err, io.EOF) {
			return m.CloseSend(ctx)
		}
		if err != nil {
			return err
		}
		if err := m.Send(ctx, p); err != nil {
			return err
		}
	}
}

// Many streams in both directions share a connection, and every message arrives whole and in order.
func TestMuxCarriesManyStreams(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := tcpPair(t)
	b, err := stream.Fault(b, stream.Faults{ChunkMax: 1000}, stream.Faults{ChunkMax: 777})
	testkit.Check(t, err)
	client, server := muxes(t, a, b, nil)
	var wg sync.WaitGroup
	failed := make(chan error, 1000)
	run := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				failed <- err
			}
		})
	}
	const streams, messages = 20, 20
	for _, pair := range [][2]*stream.Mux{{client, server}, {server, client}} {
		for i := range streams {
			run(func() error {
				s, err := pair[1].Accept(ctx)
				if err != nil {
					return err
				}
				return echoMessages(ctx, s)
			})
			run(func() error {
				s, err := pair[0].Open(ctx)
				if err != nil {
					return err
				}
				for j := range messages {
					sent := bytes.Repeat([]byte{byte(i), byte(j)}, (i*messages+j)*97%25_000)
					if err := s.Send(ctx, sent); err != nil {
						return err
					}
					if got, err := s.Receive(ctx); err != nil || !bytes.Equal(got, sent) {
						return fmt.Errorf("stream %d, message %d: %d bytes of %d, %w", i, j, len(got), len(sent), err)
					}
				}
				if err := s.CloseSend(ctx); err != nil {
					return err
				}
				if _, err := s.Receive(ctx); !errors.Is(err, io.EOF) {
					return fmt.Errorf("after the end: %w", err)
				}
				return s.Close()
			})
		}
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}

// A receiver that does not take its messages blocks the sender of its own stream, after its window, and no other.
func TestMuxSlowReceiverBlocksItsStreamOnly(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	client, server := muxes(t, a, b, &stream.MuxOptions{Window: 100_000})
	slow, err := client.Open(ctx)
	testkit.Check(t, err)
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	sent := 0
	for message := make([]byte, 1000); ; sent++ {
		if err := slow.Send(short, message); err != nil {
			testkit.Wants(t, err, context.DeadlineExceeded)
			break
		}
	}
	if sent < 90 || sent > 100 {
		t.Errorf("%d messages of 1,000 bytes were sent into a window of 100,000", sent)
	}
	peer, err := server.Accept(ctx)
	testkit.Check(t, err)
	fast, err := client.Open(ctx)
	testkit.Check(t, err)
	other, err := server.Accept(ctx)
	testkit.Check(t, err)
	both(t, func() error { return echoMessages(ctx, other) }, func() error {
		for range 1000 {
			if err := fast.Send(ctx, make([]byte, 1000)); err != nil {
				return err
			}
			if _, err := fast.Receive(ctx); err != nil {
				return err
			}
		}
		return fast.CloseSend(ctx)
	})
	both(t, func() error { // nothing was lost
		for range sent + 200 {
			if m, err := peer.Receive(ctx); err != nil || len(m) != 1000 {
				return fmt.Errorf("%d bytes, %w", len(m), err)
			}
		}
		return nil
	}, func() error {
		for range 200 {
			if err := slow.Send(ctx, make([]byte, 1000)); err != nil {
				return err
			}
		}
		return nil
	})
}

// A stream ends by itself: by its peer, within a message, or because the peer's application accepts no more.
func TestMuxStreamsEndAlone(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	client, server := muxes(t, a, b, &stream.MuxOptions{MaxStreams: 2, MaxMessage: 200_000, Window: 1})
	open := func() (near, far *stream.Messages) {
		near, err := client.Open(ctx)
		testkit.Check(t, err)
		far, err = server.Accept(ctx)
		testkit.Check(t, err)
		return near, far
	}
	near, far := open()
	testkit.Check(t, near.Close())
	if _, err := far.Receive(ctx); !errors.Is(err, stream.ErrReset) {
		t.Errorf("the peer's Close: %v", err)
	}
	near, far = open()
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	testkit.Wants(t, near.Send(short, make([]byte, 150_000)), context.DeadlineExceeded) // more than the window
	testkit.Wants(t, near.Send(ctx, nil), stream.ErrBroken)
	if _, err := far.Receive(ctx); !errors.Is(err, stream.ErrReset) {
		t.Errorf("half of a message: %v", err)
	}
	near, far = open()
	both(t, func() error {
		if err := near.Send(ctx, make([]byte, 300_000)); !errors.Is(err, stream.ErrReset) {
			return fmt.Errorf("a message that is too large is sent: %w", err)
		}
		return nil
	}, func() error {
		if _, err := far.Receive(ctx); !errors.Is(err, stream.ErrTooLarge) {
			return fmt.Errorf("a message that is too large is received: %w", err)
		}
		return nil
	})
	one, _ := open()
	two, peer := open()
	refused, err := client.Open(ctx)
	testkit.Check(t, err)
	if _, err := refused.Receive(ctx); !errors.Is(err, stream.ErrReset) {
		t.Errorf("a third stream: %v", err)
	}
	testkit.Check(t, one.Close())
	testkit.Check(t, two.Send(ctx, []byte("alive")))
	if m, err := peer.Receive(ctx); err != nil || string(m) != "alive" {
		t.Errorf("%q, %v", m, err)
	}
	testkit.Check(t, server.Close())
	if _, err := two.Receive(ctx); !errors.Is(err, stream.ErrMux) {
		t.Errorf("after the peer's Close: %v", err)
	}
	if _, err := client.Open(ctx); !errors.Is(err, stream.ErrMux) {
		t.Errorf("Open after the peer's Close: %v", err)
	}
}

// Detach returns the stream below whole, with what the peer has already sent for the next protocol.
func TestMuxDetach(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := tcpPair(t)
	run := func(s *stream.Bytes, client bool) error {
		for i := range 50 {
			m, err := stream.NewMux(s, client, nil)
			if err != nil {
				return err
			}
			near, err := m.Open(ctx)
			if err != nil {
				return err
			}
			if err := near.Send(ctx, fmt.Append(nil, "round ", i)); err != nil {
				return err
			}
			far, err := m.Accept(ctx)
			if err != nil {
				return fmt.Errorf("round %d: accept: %w", i, err)
			}
			if p, err := far.Receive(ctx); err != nil || string(p) != fmt.Sprint("round ", i) {
				return fmt.Errorf("round %d: %q, %w", i, p, err)
			}
			if s, err = m.Detach(ctx); err != nil {
				return fmt.Errorf("round %d: detach: %w", i, err)
			}
			if err := near.Send(ctx, nil); !errors.Is(err, stream.ErrMux) {
				return fmt.Errorf("a stream after Detach: %w", err)
			}
			sentinel := fmt.Append(nil, "sentinel ", i)
			if err := s.Write(ctx, sentinel); err != nil {
				return err
			}
			got := make([]byte, len(sentinel))
			if err := s.ReadFull(ctx, got); err != nil || !bytes.Equal(got, sentinel) {
				return fmt.Errorf("round %d: %q, %w", i, got, err)
			}
		}
		return nil
	}
	both(t, func() error { return run(a, true) }, func() error { return run(b, false) })
}

// A peer that breaks the protocol ends the mux, and costs no memory.
func TestMuxRefusesBrokenPeers(t *testing.T) {
	ctx := testkit.Watchdog(t)
	frame := func(kind byte, id, value uint32, data string) string {
		return string([]byte{kind, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}) + data
	}
	open := frame(1, 1, 0, "")
	for name, wire := range map[string]string{
		"unknown type":       frame(9, 1, 0, ""),
		"no such stream":     frame(3, 1, 0, ""),
		"our stream":         frame(4, 2, 1, ""),
		"open twice":         open + open,
		"open our number":    frame(1, 2, 0, ""),
		"stream 0":           frame(1, 0, 0, ""),
		"a large frame":      open + frame(3, 1, 1<<30, ""),
		"no credit":          open + strings.Repeat(frame(2, 1, 16<<10, strings.Repeat("x", 16<<10)), 5),
		"many empty":         open + strings.Repeat(frame(3, 1, 0, ""), 64<<10/32+1),
		"credit of nothing":  open + frame(4, 1, 0, ""),
		"too much credit":    open + frame(4, 1, 1<<30, ""),
		"data after the end": open + frame(5, 1, 0, "") + frame(3, 1, 0, ""),
		"half a frame":       "\x01",
	} {
		a, b := stream.Pipe()
		m, err := stream.NewMux(b, false, &stream.MuxOptions{Window: 1})
		testkit.Check(t, err)
		both(t, func() error {
			_ = a.Write(ctx, []byte(wire))
			_ = a.CloseWrite(ctx)
			return nil
		}, func() error {
			for {
				if _, err := m.Accept(ctx); err != nil {
					if !errors.Is(err, stream.ErrMux) || strings.Contains(err.Error(), "EOF") != (name == "half a frame") {
						return fmt.Errorf("%s: %w", name, err)
					}
					return nil
				}
			}
		})
		testkit.Check(t, m.Close())
	}
}

// FuzzMux gives any bytes to a mux, whose application accepts, receives and answers.
func FuzzMux(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02hi\x05\x00\x00\x00\x01\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x00\x00\x00\x03\x00\x00\x00\x09\x02\x00\x00\x00\x03\x00\x00\x00\x01a\x06\x00\x00\x00\x03\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		ctx := context.Background()
		a, b := stream.Pipe()
		m, err := stream.NewMux(b, false, &stream.MuxOptions{MaxStreams: 3, MaxMessage: 100, Window: 1})
		testkit.Check(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = a.Write(ctx, wire)
			_ = a.CloseWrite(ctx)
		})
		wg.Go(func() {
			for p := make([]byte, 4096); ; {
				if _, err := a.Read(ctx, p); err != nil {
					return
				}
			}
		})
		for {
			s, err := m.Accept(ctx)
			if err != nil {
				break
			}
			wg.Go(func() { _ = echoMessages(ctx, s) })
		}
		testkit.Check(t, m.Close())
		_ = a.Close()
		wg.Wait()
	})
}
