// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// The layers, by the kinds of streams below them and above. A nil layer is none.
var (
	bytesOverBytes = map[string]func(context.Context, *stream.Bytes, bool, *tls.Config) (*stream.Bytes, error){
		"": nil,
		"tls": func(ctx context.Context, s *stream.Bytes, client bool, c *tls.Config) (*stream.Bytes, error) {
			if client {
				return stream.TLSClient(ctx, s, c)
			}
			return stream.TLSServer(ctx, s, c)
		},
		"throttle": func(_ context.Context, s *stream.Bytes, _ bool, _ *tls.Config) (*stream.Bytes, error) {
			return stream.Throttle(s, stream.Rate{PerSecond: 1e9}, stream.Rate{PerSecond: 1e9})
		},
		"trace": func(_ context.Context, s *stream.Bytes, _ bool, _ *tls.Config) (*stream.Bytes, error) {
			return stream.Trace(s, func(stream.Op, []byte, error) {})
		},
		"fault": func(_ context.Context, s *stream.Bytes, _ bool, _ *tls.Config) (*stream.Bytes, error) {
			return stream.Fault(s, stream.Faults{ChunkMax: 3}, stream.Faults{ChunkMax: 3})
		},
	}
	messagesOverBytes = map[string]func(*stream.Bytes) (*stream.Messages, error){
		"prefix":     func(s *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(s, 4, 1000) },
		"lines":      func(s *stream.Bytes) (*stream.Messages, error) { return stream.Lines(s, 1000) },
		"netstrings": func(s *stream.Bytes) (*stream.Messages, error) { return stream.Frame(s, netstrings{}, 1000) },
	}
	messagesOverMessages = map[string]func(*stream.Messages) (*stream.Messages, error){
		"": nil,
		"throttle": func(m *stream.Messages) (*stream.Messages, error) {
			return stream.ThrottleMessages(m, stream.Rate{PerSecond: 1e9}, stream.Rate{PerSecond: 1e9})
		},
		"trace": func(m *stream.Messages) (*stream.Messages, error) {
			return stream.TraceMessages(m, func(stream.Op, []byte, error) {})
		},
		"fault": func(m *stream.Messages) (*stream.Messages, error) {
			return stream.FaultMessages(m, stream.MessageFaults{Delay: time.Microsecond}, stream.MessageFaults{})
		},
	}
)

// Every protocol of messages works over every layer of bytes, and below every pair of layers of messages. The protocols follow each
// other on one stream, with bytes between that none of them takes; the last ends one direction after the other.
func TestEveryPairOfMessageLayers(t *testing.T) {
	cert := testcert.NewAuthority(t)
	server, client := cert.Server(t), clientConfig(t, cert)
	ctx := testkit.Watchdog(t)
	for name, below := range bytesOverBytes {
		a, b := stream.Pipe()
		both(t,
			func() error { return everyProtocol(ctx, a, below, true, client) },
			func() error { return everyProtocol(ctx, b, below, false, server) })
		t.Logf("%d protocols and pairs of filters over %q", len(messagesOverBytes)*len(messagesOverMessages)*len(messagesOverMessages), name)
	}
}

func everyProtocol(ctx context.Context, s *stream.Bytes, below func(context.Context, *stream.Bytes, bool, *tls.Config) (*stream.Bytes, error), client bool, config *tls.Config) (err error) {
	if below != nil {
		if s, err = below(ctx, s, client, config); err != nil {
			return err
		}
	}
	for _, protocol := range []string{"prefix", "lines", "netstrings"} {
		for _, lower := range []string{"", "throttle", "trace", "fault"} {
			for _, upper := range []string{"", "throttle", "trace", "fault"} {
				m, filters, err := filtered(s, protocol, lower, upper)
				if err != nil {
					return err
				}
				text := protocol + ", " + lower + ", " + upper
				if err := asked(ctx, m, client, text); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				for range filters {
					if m, err = m.DetachFilter(ctx); err != nil {
						return fmt.Errorf("%s: %w", text, err)
					}
				}
				if s, err = m.Detach(ctx); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
				got := make([]byte, len(text))
				if err := s.Write(ctx, []byte(text)); err != nil {
					return err
				}
				if err := s.ReadFull(ctx, got); err != nil || string(got) != text {
					return fmt.Errorf("between two protocols came %q, %w, want %q", got, err, text)
				}
			}
		}
	}
	m, _, err := filtered(s, "prefix", "throttle", "trace")
	if err != nil {
		return err
	}
	defer m.Close()
	return halfClosed(ctx, m, client)
}

// filtered attaches a protocol and filters, and returns how many these are.
func filtered(s *stream.Bytes, protocol, lower, upper string) (m *stream.Messages, filters int, err error) {
	m, err = messagesOverBytes[protocol](s)
	for _, name := range []string{lower, upper} {
		if attach := messagesOverMessages[name]; err == nil && attach != nil {
			m, err = attach(m)
			filters++
		}
	}
	return m, filters, err
}

// asked has the client send two messages, and the server answer with both in one.
func asked(ctx context.Context, m *stream.Messages, client bool, text string) error {
	if client {
		if err := m.Send(ctx, []byte(text), []byte("?")); err != nil {
			return err
		}
		if p, err := m.Receive(ctx); err != nil || string(p) != text+"?" {
			return fmt.Errorf("the answer is %q, %w", p, err)
		}
		return nil
	}
	first, err := m.Receive(ctx)
	if err != nil {
		return err
	}
	second, err := m.Receive(ctx)
	if err != nil {
		return err
	}
	return m.Send(ctx, append(first, second...))
}

// halfClosed ends the client's direction; the server answers after that.
func halfClosed(ctx context.Context, m *stream.Messages, client bool) error {
	if client {
		if err := m.Send(ctx, []byte("the last")); err != nil {
			return err
		}
		if err := m.CloseSend(ctx); err != nil {
			return err
		}
	}
	if p, err := m.Receive(ctx); err != nil || string(p) != "the last" {
		return fmt.Errorf("the last message is %q, %w", p, err)
	}
	if p, err := m.Receive(ctx); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the peer's end comes %q, %w", p, err)
	}
	if client {
		return nil
	}
	if err := m.Send(ctx, []byte("the last")); err != nil {
		return err
	}
	return m.CloseSend(ctx)
}
