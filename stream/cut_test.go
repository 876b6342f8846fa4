// SPDX-License-Identifier: MIT

package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// everything runs one end of a conversation through TLS, messages, lines and a mux, one after the other on one stream.
func everything(ctx context.Context, s *stream.Bytes, client bool, config *tls.Config) (err error) {
	defer func() {
		if err != nil {
			_ = s.Close() // a layer that failed has closed it already
		}
	}()
	side := stream.TLSServer
	if client {
		side = stream.TLSClient
	}
	bare := s
	secure, err := side(ctx, bare, config)
	if err != nil {
		return err
	}
	defer secure.Close() // does nothing after Detach
	for _, attach := range []func(*stream.Bytes) (*stream.Messages, error){
		func(s *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(s, 3, 100) },
		func(s *stream.Bytes) (*stream.Messages, error) { return stream.Lines(s, 100) },
		frames(client),
	} {
		if secure, err = conversation(ctx, secure, attach); err != nil {
			return err
		}
	}
	if s, err = secure.Detach(ctx); err != nil {
		return err
	}
	m, err := stream.NewMux(s, client, nil)
	if err != nil {
		return err
	}
	defer m.Close()
	near, err := m.Open(ctx)
	if err != nil {
		return err
	}
	if err := near.Send(ctx, []byte("multiplexed")); err != nil {
		return err
	}
	far, err := m.Accept(ctx)
	if err != nil {
		return err
	}
	if p, err := far.Receive(ctx); err != nil || string(p) != "multiplexed" {
		return fmt.Errorf("%q, %w", p, err)
	}
	if s, err = m.Detach(ctx); err != nil {
		return err
	}
	return exchange(ctx, s, "the end")
}

func conversation(ctx context.Context, s *stream.Bytes, attach func(*stream.Bytes) (*stream.Messages, error)) (*stream.Bytes, error) {
	m, err := attach(s)
	if err != nil {
		return nil, err
	}
	defer m.Close() // does nothing after Detach
	if err := m.Send(ctx, []byte("one"), []byte("two")); err != nil {
		return nil, err
	}
	for _, want := range []string{"one", "two"} {
		if got, err := m.Receive(ctx); err != nil || string(got) != want {
			return nil, fmt.Errorf("%q, %w, want %q", got, err, want)
		}
	}
	return m.Detach(ctx)
}

// exchange sends and receives the same text.
func exchange(ctx context.Context, s *stream.Bytes, text string) error {
	if err := s.Write(ctx, []byte(text)); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if err := s.ReadFull(ctx, got); err != nil || !bytes.Equal(got, []byte(text)) {
		return fmt.Errorf("%q, %w, want %q", got, err, text)
	}
	return s.CloseWrite(ctx)
}

// wholeConversation is more than the bytes of everything in one direction.
const wholeConversation = 1 << 20

// Wherever the connection is cut, both ends fail and none hangs; if it is not cut, both succeed.
func TestCutAtEveryStep(t *testing.T) {
	cert := testcert.NewAuthority(t)
	server, client := cert.Server(t), clientConfig(t, cert)
	ctx := testkit.Watchdog(t)
	moved := func(cut, chunk int, report func(op stream.Op, p []byte, err error)) (errA, errB error) {
		a, b := stream.Pipe()
		a, err := stream.Trace(a, report)
		testkit.Check(t, err)
		a, err = stream.Fault(a, stream.Faults{ChunkMax: chunk}, stream.Faults{ChunkMax: chunk, CutAt: int64(cut)})
		testkit.Check(t, err)
		both(t, func() error { errA = everything(ctx, a, true, client); return nil }, func() error { errB = everything(ctx, b, false, server); return nil })
		_, _ = a.Close(), b.Close()
		return errA, errB
	}
	total := 0
	errA, errB := moved(wholeConversation, 0, func(op stream.Op, p []byte, _ error) {
		if op == stream.OpWrite {
			total += len(p)
		}
	})
	if errA != nil || errB != nil || total < 500 {
		t.Fatalf("%d bytes, then %v and %v", total, errA, errB)
	}
	nothing := func(stream.Op, []byte, error) {}
	step := testkit.Figure(61, 1)
	for cut := 1; cut < total-100; cut += step { // the sizes of handshakes vary by some bytes
		if errA, errB := moved(cut, 0, nothing); errA == nil || errB == nil {
			t.Fatalf("cut after %d of %d bytes: %v and %v", cut, total, errA, errB)
		}
	}
	for _, chunk := range []int{1, 2, 3, 5, 7, 11, 13} {
		if errA, errB := moved(wholeConversation, chunk, nothing); errA != nil || errB != nil {
			t.Errorf("in pieces of %d bytes: %v", chunk, errors.Join(errA, errB))
		}
	}
}
