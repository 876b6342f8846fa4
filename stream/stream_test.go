// SPDX-License-Identifier: MIT

package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// both runs the two ends of something at the same time.
func both(t *testing.T, a, b func() error) {
	t.Helper()
	var wg sync.WaitGroup
	var errA, errB error
	wg.Go(func() { errA = a() })
	wg.Go(func() { errB = b() })
	wg.Wait()
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
}

func clientConfig(t *testing.T, a *testcert.Authority) *tls.Config {
	c := a.Client(t, "client")
	c.ServerName = "localhost"
	return c
}

func tcpPair(t *testing.T) (a, b *stream.Bytes) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	testkit.Check(t, err)
	d, err := l.Accept()
	testkit.Check(t, err)
	a, b = stream.New(c), stream.New(d)
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

// A layer is attached and detached 1,000 times on one connection, and bytes between pass untouched, though the peer sends them
// together with the end of the layer before.
func TestAlternatingLayers(t *testing.T) {
	cert := testcert.NewAuthority(t)
	server, clients := cert.Server(t), clientConfig(t, cert)
	ctx := testkit.Watchdog(t)
	a, b := tcpPair(t)
	run := func(s *stream.Bytes, client bool) error {
		side, config := stream.TLSServer, server
		if client {
			side, config = stream.TLSClient, clients
		}
		for i := range 1000 {
			sentinel := fmt.Appendf(nil, "between %d;", i)
			if err := s.Write(ctx, sentinel); err != nil {
				return err
			}
			got := make([]byte, len(sentinel))
			if err := s.ReadFull(ctx, got); err != nil || !bytes.Equal(got, sentinel) {
				return fmt.Errorf("round %d: %q, %w", i, got, err)
			}
			var err error
			switch i % 5 {
			case 0:
				s, err = framed(ctx, s, func(s *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(s, 8, 100) })
			case 1:
				s, err = framed(ctx, s, func(s *stream.Bytes) (*stream.Messages, error) { return stream.Lines(s, 100) })
			case 2:
				s, err = wrapped(ctx, s, func(s *stream.Bytes) (*stream.Bytes, error) {
					return stream.Throttle(s, stream.Rate{}, stream.Rate{PerSecond: 1e9})
				})
			case 4:
				s, err = framed(ctx, s, frames(client))
			case 3:
				if i%50 != 3 {
					continue
				}
				s, err = wrapped(ctx, s, func(s *stream.Bytes) (*stream.Bytes, error) { return side(ctx, s, config) })
			}
			if err != nil {
				return fmt.Errorf("round %d: %w", i, err)
			}
		}
		return nil
	}
	both(t, func() error { return run(a, true) }, func() error { return run(b, false) })
	if err := a.Close(); !errors.Is(err, stream.ErrDetached) {
		t.Errorf("the first handle closes its stream, which was taken: %v", err)
	}
}

func framed(ctx context.Context, s *stream.Bytes, attach func(*stream.Bytes) (*stream.Messages, error)) (*stream.Bytes, error) {
	f, err := attach(s)
	if err != nil {
		return nil, err
	}
	if err := f.Send(ctx, []byte("hello"), []byte("again")); err != nil {
		return nil, err
	}
	for _, want := range []string{"hello", "again"} {
		if m, err := f.Receive(ctx); err != nil || string(m) != want {
			return nil, fmt.Errorf("%q, %w", m, err)
		}
	}
	return f.Detach(ctx)
}

func wrapped(ctx context.Context, s *stream.Bytes, attach func(*stream.Bytes) (*stream.Bytes, error)) (*stream.Bytes, error) {
	w, err := attach(s)
	if err != nil {
		return nil, err
	}
	if err := w.Write(ctx, []byte("hel"), []byte("lo")); err != nil {
		return nil, err
	}
	got := make([]byte, 5)
	if err := w.ReadFull(ctx, got); err != nil || string(got) != "hello" {
		return nil, fmt.Errorf("%q, %w", got, err)
	}
	return w.Detach(ctx)
}

// A call ends with its context. One that has moved nothing can be repeated; one that has moved something leaves the stream
// broken.
func TestContextsEndCalls(t *testing.T) {
	for name, pair := range map[string]func(*testing.T) (a, b *stream.Bytes){
		"pipe": func(*testing.T) (a, b *stream.Bytes) { return stream.Pipe() },
		"tcp":  tcpPair,
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Watchdog(t)
			a, b := pair(t)
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			if _, err := b.Read(short, make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a read without a peer: %v", err)
			}
			testkit.Check(t, a.Write(ctx, []byte("ab")))
			got := make([]byte, 2)
			if err := b.ReadFull(ctx, got); err != nil || string(got) != "ab" {
				t.Fatalf("after a call that moved nothing: %q, %v", got, err)
			}
			testkit.Check(t, a.Write(ctx, []byte("c")))
			_, err := b.Peek(ctx, 1)
			testkit.Check(t, err)
			short, cancel = context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, cancel)
			if err := b.ReadFull(short, got); !errors.Is(err, context.Canceled) {
				t.Fatalf("half of a read: %v", err)
			}
			if _, err := b.Read(ctx, got); !errors.Is(err, stream.ErrBroken) {
				t.Fatalf("a read after half of one: %v", err)
			}
			testkit.Check(t, b.Write(ctx, []byte("the other direction works")))
		})
	}
}

// One direction ends, and the other goes on.
func TestHalfClose(t *testing.T) {
	ctx := testkit.Watchdog(t)
	cert := testcert.NewAuthority(t)
	for name, attach := range map[string]func(s *stream.Bytes, client bool) (*stream.Bytes, error){
		"bare": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) { return s, nil },
		"trace": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) {
			return stream.Trace(s, func(stream.Op, []byte, error) {})
		},
		"throttle": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) {
			return stream.Throttle(s, stream.Rate{PerSecond: 1e6}, stream.Rate{PerSecond: 1e6})
		},
		"tls": func(s *stream.Bytes, client bool) (*stream.Bytes, error) {
			side, config := stream.TLSServer, cert.Server(t)
			if client {
				side, config = stream.TLSClient, clientConfig(t, cert)
			}
			return side(ctx, s, config)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			both(t, func() (err error) { a, err = attach(a, true); return err }, func() (err error) { b, err = attach(b, false); return err })
			testkit.Check(t, a.Write(ctx, []byte("question")))
			testkit.Check(t, a.CloseWrite(ctx))
			got := make([]byte, 8)
			testkit.Check(t, b.ReadFull(ctx, got))
			if _, err := b.Read(ctx, got); !errors.Is(err, io.EOF) {
				t.Fatalf("after the peer's end: %v", err)
			}
			testkit.Check(t, b.Write(ctx, []byte("answer!!")))
			if err := a.ReadFull(ctx, got); err != nil || string(got) != "answer!!" {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
}

// A message that is too long costs no memory, and one that is long costs what has arrived.
func TestLimits(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	f, err := stream.Prefix(b, 8, 1000)
	testkit.Check(t, err)
	testkit.Check(t, a.Write(ctx, []byte{0, 0, 0, 1, 0, 0, 0, 0}))
	if _, err := f.Receive(ctx); !errors.Is(err, stream.ErrTooLarge) {
		t.Errorf("a message of 4 GiB: %v", err)
	}
	a, b = stream.Pipe()
	f, err = stream.Lines(b, 10)
	testkit.Check(t, err)
	testkit.Check(t, a.Write(ctx, []byte("0123456789\r\n0123456789012")))
	if m, err := f.Receive(ctx); err != nil || len(m) != 10 {
		t.Errorf("a line of 10 bytes: %q, %v", m, err)
	}
	if _, err := f.Receive(ctx); !errors.Is(err, stream.ErrTooLarge) {
		t.Errorf("a longer line: %v", err)
	}
}

// Many small messages are one write of the layer below, and one record of TLS.
func TestMessagesAreWrittenTogether(t *testing.T) {
	ctx := testkit.Watchdog(t)
	cert := testcert.NewAuthority(t)
	config := clientConfig(t, cert)
	config.DynamicRecordSizingDisabled = true // or the first records are small
	a, b := tcpPair(t)
	var writes atomic.Int64
	a, err := stream.Trace(a, func(op stream.Op, _ []byte, _ error) {
		if op == stream.OpWrite {
			writes.Add(1)
		}
	})
	testkit.Check(t, err)
	both(t,
		func() (err error) { a, err = stream.TLSClient(ctx, a, config); return err },
		func() (err error) { b, err = stream.TLSServer(ctx, b, cert.Server(t)); return err })
	m, err := stream.Prefix(a, 2, 1000)
	testkit.Check(t, err)
	before := writes.Load()
	messages := slices.Repeat([][]byte{[]byte("small")}, 1000)
	testkit.Check(t, m.Send(ctx, messages...))
	if n := writes.Load() - before; n != 1 {
		t.Errorf("1,000 small messages are %d writes", n)
	}
	peer, err := stream.Prefix(b, 2, 1000)
	testkit.Check(t, err)
	for range messages {
		if p, err := peer.Receive(ctx); err != nil || string(p) != "small" {
			t.Fatalf("%q, %v", p, err)
		}
	}
}

// A message costs the memory of what has arrived, whatever size its peer announced.
func TestAnnouncedSizesCostNothing(t *testing.T) {
	ctx := testkit.Watchdog(t)
	const announced, streams = 256 << 20, 20
	before := testkit.Heap()
	var wg sync.WaitGroup
	defer wg.Wait()
	for range streams {
		a, b := stream.Pipe()
		m, err := stream.Prefix(b, 4, announced)
		testkit.Check(t, err)
		testkit.Check(t, a.Write(ctx, []byte{announced >> 24, 0, 0, 0, 'x'}))
		wg.Go(func() { _, _ = m.Receive(ctx) })
		defer m.Close()
	}
	testkit.Eventually(t, "all messages have begun", func() bool { return testkit.Heap() > before+streams*(32<<10) })
	if grown := testkit.Heap() - before; grown > streams<<20 {
		t.Errorf("%d messages of which a byte has arrived take %d bytes", streams, grown)
	}
}

func TestPipeMovesEverything(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	sent := make([]byte, 1<<20)
	r := rand.NewChaCha8([32]byte{})
	_, _ = r.Read(sent)
	both(t, func() error {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), 1+int(r.Uint64()%100_000))
			if err := a.Write(ctx, rest[:n/2], rest[n/2:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return a.CloseWrite(ctx)
	}, func() error {
		var got []byte
		for p := make([]byte, 10_000); ; {
			n, err := b.Read(ctx, p)
			got = append(got, p[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		if !bytes.Equal(got, sent) {
			return errors.New("what arrived differs from what was sent")
		}
		return nil
	})
}

// Layers over layers are detached one by one, and each stream below can be used again.
func TestDetachDownToTheConnection(t *testing.T) {
	cert := testcert.NewAuthority(t)
	server, clients := cert.Server(t), clientConfig(t, cert)
	ctx := testkit.Watchdog(t)
	a, b := tcpPair(t)
	run := func(s *stream.Bytes, attach func(context.Context, *stream.Bytes, *tls.Config) (*stream.Bytes, error), config *tls.Config) error {
		below, err := stream.Throttle(s, stream.Rate{}, stream.Rate{PerSecond: 1e9})
		if err != nil {
			return err
		}
		secure, err := attach(ctx, below, config)
		if err != nil {
			return err
		}
		if secure.TLS() == nil || !secure.TLS().HandshakeComplete {
			return errors.New("the stream over TLS does not say so")
		}
		for _, layers := range []int{2, 1, 0} { // of bytes, below the messages
			m, err := stream.Prefix(secure, 2, 100)
			if err != nil {
				return err
			}
			if err := m.Send(ctx, fmt.Appendf(nil, "over %d", layers)); err != nil {
				return err
			}
			if got, err := m.Receive(ctx); err != nil || string(got) != fmt.Sprintf("over %d", layers) {
				return fmt.Errorf("over %d layers: %q, %w", layers, got, err)
			}
			if secure, err = m.Detach(ctx); err != nil {
				return err
			}
			if layers == 0 {
				break
			}
			if secure, err = secure.Detach(ctx); err != nil {
				return err
			}
		}
		if _, err := secure.Detach(ctx); !errors.Is(err, stream.ErrNoLayer) {
			return fmt.Errorf("below the lowest layer: %w", err)
		}
		return secure.CloseWrite(ctx) // it was not closed
	}
	both(t, func() error { return run(a, stream.TLSClient, clients) }, func() error { return run(b, stream.TLSServer, server) })
}

// A write through TLS that its context has ended breaks the outgoing direction, because a part of a record may be written.
func TestInterruptedTLSWriteBreaks(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	both(t,
		func() (err error) { a, err = stream.TLSClient(ctx, a, clientConfig(t, cert)); return err },
		func() (err error) { b, err = stream.TLSServer(ctx, b, cert.Server(t)); return err })
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	for err := error(nil); err == nil; { // a record each, until the pipe is full
		if err = a.Write(short, make([]byte, 10_000)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	if err := a.Write(ctx, []byte("x")); !errors.Is(err, stream.ErrBroken) {
		t.Fatalf("a write after half of one: %v", err)
	}
}

// A handle without a stream fails every call in the same way.
func TestHandlesWithoutStreams(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, _ := stream.Pipe()
	m, err := stream.Lines(a, 100)
	testkit.Check(t, err)
	n, err := m.Take()
	testkit.Check(t, err)
	_, takeErr := a.Take()
	_, connErr := a.Conn()
	_, detachErr := a.Detach(ctx)
	_, attachErr := stream.Lines(a, 1)
	_, readErr := a.Read(ctx, make([]byte, 1))
	_, receiveErr := m.Receive(ctx)
	_, againErr := m.Detach(ctx)
	_, filterErr := m.DetachFilter(ctx)
	for i, err := range []error{
		takeErr, connErr, detachErr, attachErr, readErr, a.Write(ctx), a.CloseWrite(ctx), a.Close(),
		receiveErr, againErr, filterErr, m.Send(ctx), m.CloseSend(ctx), m.Close(),
	} {
		if !errors.Is(err, stream.ErrDetached) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if a.LocalAddr() != nil || a.RemoteAddr() != nil || a.TLS() != nil {
		t.Error("a handle without a stream has addresses")
	}
	if _, err := n.DetachFilter(ctx); !errors.Is(err, stream.ErrNoLayer) {
		t.Errorf("a protocol over bytes is no filter: %v", err)
	}
	testkit.Check(t, n.Close())
	testkit.Check(t, n.Close())
	c, _ := tcpPair(t)
	testkit.Check(t, c.Close())
	testkit.Check(t, c.Close())
}
