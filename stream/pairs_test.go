// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// attachAtServer attaches a protocol of messages at the end that accepted the stream.
var attachAtServer = map[string]func(ctx context.Context, b *stream.Bytes) (*stream.Messages, error){
	"prefix": func(_ context.Context, b *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(b, 4, 1000) },
	"lines":  func(_ context.Context, b *stream.Bytes) (*stream.Messages, error) { return stream.Lines(b, 1000) },
	"ws": func(ctx context.Context, b *stream.Bytes) (*stream.Messages, error) {
		r, err := stream.ReadHTTPRequest(ctx, b)
		if err != nil {
			return nil, err
		}
		return stream.WebSocketServer(ctx, b, r, nil)
	},
}

// Every protocol of messages works over every layer, by its URL.
func TestEveryProtocolOverEveryLayer(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	report := func(net.Addr, stream.Op, []byte, error) {}
	for protocol, attach := range attachAtServer {
		for layer, query := range map[string]string{"": "", "tls+": "", "throttle+": "?throttle=100MB/s", "trace+": "", "fault+": "?fault-chunk=1"} {
			t.Run(protocol+"+"+layer+"tcp", func(t *testing.T) {
				l, err := stream.Listen(ctx, layer+"tcp://127.0.0.1:0"+query, &stream.ListenOptions{TLS: cert.Server(t), Trace: report})
				testkit.Check(t, err)
				defer l.Close()
				both(t, func() error {
					s, err := l.Accept(ctx)
					if err != nil {
						return err
					}
					defer s.Close()
					m, err := attach(ctx, s)
					if err != nil {
						return err
					}
					defer m.Close()
					got, err := m.Receive(ctx)
					if err != nil {
						return err
					}
					return errors.Join(m.Send(ctx, got), m.CloseSend(ctx))
				}, func() error {
					m, err := stream.DialMessages(ctx, protocol+"+"+l.URL()+query, &stream.DialOptions{TLS: clientConfig(t, cert), Trace: report})
					if err != nil {
						return err
					}
					defer m.Close()
					if err := m.Send(ctx, []byte("hello")); err != nil {
						return err
					}
					if got, err := m.Receive(ctx); err != nil || string(got) != "hello" {
						return fmt.Errorf("%q, %w", got, err)
					}
					if _, err := m.Receive(ctx); !errors.Is(err, io.EOF) { // an earlier Close would reset what the other end still writes
						return fmt.Errorf("after the last message: %w", err)
					}
					return nil
				})
			})
		}
	}
}
