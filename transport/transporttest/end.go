// SPDX-License-Identifier: MIT

package transporttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"
	"unsafe"

	"github.com/sprymq/spry/transport"
)

// An end is one end of a link, with the same methods for both kinds of links. Its methods return errors rather than fail the
// test, because most of them run in other goroutines.
type end struct {
	link transport.Link

	chosen transport.Offer // the result of the handshake, on a message link
	peer   transport.Hello

	inbox [][]byte // messages read and not yet taken
}

// The offers of the two ends: a request, and its answer after an offer that does not fit.
var (
	dialerHello    = transport.Hello{Protocol: 0x30, Peer: 0x31, Name: "req", PeerName: "rep"}
	listenerHello  = transport.Hello{Protocol: 0x31, Peer: 0x30, Name: "rep", PeerName: "req"}
	dialerOffers   = []transport.Offer{{Dialect: "sp", Hello: dialerHello}}
	listenerOffers = []transport.Offer{
		{Dialect: "sp", Hello: transport.Hello{Protocol: 0x11, Peer: 0x11, Name: "pair1", PeerName: "pair1"}},
		{Dialect: "zmtp", Hello: listenerHello},
		{Dialect: "sp", Hello: listenerHello},
	}
)

// open prepares a new link as the engine does, before the first byte of a dialect.
func open(ctx context.Context, link transport.Link, listening bool) (*end, error) {
	e := &end{link: link}
	switch link := link.(type) {
	case *transport.Stream:
		if h, ok := link.Conn.(transport.Handshaker); ok {
			if err := h.HandshakeContext(ctx); err != nil {
				return nil, fmt.Errorf("HandshakeContext: %w", err)
			}
		}
	case transport.Messages:
		if h, ok := link.(transport.Handshaker); ok {
			if err := h.HandshakeContext(ctx); err != nil {
				return nil, fmt.Errorf("HandshakeContext: %w", err)
			}
		}
		offers := dialerOffers
		if listening {
			offers = listenerOffers
		}
		var err error
		if e.chosen, e.peer, err = link.Handshake(ctx, offers, listening); err != nil {
			return nil, fmt.Errorf("Handshake: %w", err)
		}
	default:
		return nil, fmt.Errorf("the link is a %T: neither *transport.Stream nor transport.Messages", link)
	}
	return e, nil
}

// connect connects a dialer to a listener. Both ends are closed when the test ends.
func connect(t *testing.T, d transport.Dialer, l transport.Listener) (dialed, accepted *end) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	within(t, "connecting", func() error {
		accepting := make(chan error, 1)
		go func() {
			var err error
			accepted, err = accept(ctx, t, l)
			accepting <- err
		}()
		var err error
		if dialed, err = dial(ctx, t, d); err != nil {
			_ = l.Close() // or Accept would wait for a peer that never comes
			<-accepting   //nolint:errcheck // the error that counts is that of the dial
			return err
		}
		return <-accepting
	})
	if t.Failed() {
		t.FailNow()
	}
	return dialed, accepted
}

func dial(ctx context.Context, t *testing.T, d transport.Dialer) (*end, error) {
	link, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = link.Close() })
	return open(ctx, link, false)
}

func accept(ctx context.Context, t *testing.T, l transport.Listener) (*end, error) {
	link, err := l.Accept()
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = link.Close() })
	return open(ctx, link, true)
}

// pair listens, dials and accepts one link.
func (s *suite) pair(t *testing.T) (dialed, accepted *end) {
	t.Helper()
	l := s.listen(t, s.options.URL(t))
	return connect(t, s.dialer(t, l.URL()), l)
}

// stream is the link as a stream. It skips the test if the link is of the other kind.
func (e *end) stream(t *testing.T) *transport.Stream {
	t.Helper()
	s, ok := e.link.(*transport.Stream)
	if !ok {
		t.Skipf("about streams; the links are %T", e.link)
	}
	return s
}

// messages is the link as a message link. It skips the test if the link is of the other kind.
func (e *end) messages(t *testing.T) transport.Messages {
	t.Helper()
	if s, ok := e.link.(*transport.Stream); ok {
		t.Skipf("about message links; the links are streams over %T", s.Conn)
	}
	return e.link.(transport.Messages)
}

// reliable reports whether written messages arrive.
func (e *end) reliable() bool { return e.link.Info().Reliable }

// put writes p: its bytes, or one message.
func (e *end) put(p []byte) error {
	if s, ok := e.link.(*transport.Stream); ok {
		_, err := s.Write(p)
		return err
	}
	n, err := e.link.(transport.Messages).WriteMessages([]transport.Packet{{Body: p}})
	if err == nil && n != 1 {
		return fmt.Errorf("WriteMessages took %d messages of 1 and returned no error", n)
	}
	return err
}

// take reads size bytes, or one message.
func (e *end) take(size int) ([]byte, error) {
	if s, ok := e.link.(*transport.Stream); ok {
		p := make([]byte, size)
		_, err := io.ReadFull(s, p)
		return p, err
	}
	for len(e.inbox) == 0 {
		dst := make([][]byte, 16)
		n, err := readMessages(e.link.(transport.Messages), dst)
		if n == 0 {
			return nil, err
		}
		e.inbox = append(e.inbox, dst[:n]...)
	}
	p := e.inbox[0]
	e.inbox = e.inbox[1:]
	return p, nil
}

// readMessages is ReadMessages with memory of the suite's, in which the messages have to lie.
func readMessages(from transport.Messages, dst [][]byte) (int, error) {
	var landed [][]byte
	n, err := from.ReadMessages(dst, func(have []byte, size int) []byte {
		memory := make([]byte, size, size+1)
		if copy(memory, have); have == nil {
			landed = append(landed, nil)
		}
		landed[len(landed)-1] = memory
		return memory
	})
	if n < 0 || n > len(dst) || n == 0 && err == nil {
		return 0, fmt.Errorf("ReadMessages of %d returns %d without an error", len(dst), n)
	}
	for i, m := range dst[:n] {
		if i >= len(landed) || len(m) > len(landed[i]) || unsafe.SliceData(m) != unsafe.SliceData(landed[i]) {
			return 0, fmt.Errorf("message %d of %d does not lie where alloc, called %d times, said", i, n, len(landed))
		}
	}
	return n, err
}

// resend is how often an unreliable link is given the same message again until it has arrived.
const resend = 100 * time.Millisecond

// deliver moves p from one end to the other, and fails the test if that fails.
func deliver(t *testing.T, from, to *end, p []byte) {
	t.Helper()
	if err := move(from, to, p); err != nil {
		t.Fatal(err)
	}
}

// move writes p to one end and checks that the other end reads the same.
func move(from, to *end, p []byte) error {
	type result struct {
		p   []byte
		err error
	}
	arrived := make(chan result, 1)
	go func() {
		for {
			got, err := to.take(len(p))
			if err == nil && !to.reliable() && !bytes.Equal(got, p) {
				continue // a late copy of an earlier message
			}
			arrived <- result{got, err}
			return
		}
	}()
	deadline := time.After(watchdog)
	again := time.NewTicker(resend)
	defer again.Stop()
	if err := from.put(p); err != nil {
		return fmt.Errorf("writing %d bytes: %w", len(p), err)
	}
	for {
		select {
		case r := <-arrived:
			if r.err != nil {
				return fmt.Errorf("reading %d bytes: %w", len(p), r.err)
			}
			if !bytes.Equal(r.p, p) {
				return fmt.Errorf("%d bytes were written, and %d arrived that differ", len(p), len(r.p))
			}
			return nil
		case <-again.C:
			if from.reliable() {
				continue
			}
			if err := from.put(p); err != nil {
				return fmt.Errorf("writing %d bytes again: %w", len(p), err)
			}
		case <-deadline:
			return fmt.Errorf("%d bytes have not arrived after %v", len(p), watchdog)
		}
	}
}

// pattern is n bytes that depend on seed and on their place, so that none can be missing, doubled or moved
// unseen.
func pattern(seed, n int) []byte {
	p := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}
