// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/transporttest"
)

// A listed is a transport that lists one scheme of a stream.Transport, for the suite.
type listed struct {
	stream.Transport
	scheme string
}

func (l listed) Schemes() []string { return []string{l.scheme} }

// with adds the parameters that the layers of a URL need, to URLs of listeners too.
func with(u transport.URL) transport.URL {
	if strings.Contains(u.Scheme, "throttle") {
		u.Address += "?throttle=1GB/s"
	}
	return u
}

func (l listed) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	return l.Transport.Dialer(with(u), o)
}

func (l listed) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	return l.Transport.Listen(ctx, with(u), o)
}

// The transport keeps the promises of transports, whatever layers there are.
func TestTransport(t *testing.T) {
	cert := testcert.NewAuthority(t)
	for _, scheme := range []string{"throttle+ipc", "tls+trace+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			transporttest.Run(t, listed{stream.Transport{Trace: func(net.Addr, stream.Op, []byte, error) {}}, scheme}, transporttest.Options{
				URL: func(t *testing.T) string {
					if strings.HasSuffix(scheme, "ipc") {
						return scheme + "://" + filepath.Join(t.TempDir(), "s")
					}
					return scheme + "://127.0.0.1:0"
				},
				Dial:       transport.DialOptions{TLS: clientConfig(t, cert)},
				Listen:     transport.ListenOptions{TLS: cert.Server(t)},
				Malformed:  []string{scheme + "://"},
				Concurrent: 20,
			})
		})
	}
}

// Sockets of both dialects exchange messages through layers, and a URL that needs the transport names its import.
func TestSocketsWithLayers(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	o := spry.Options{Transports: []transport.Transport{stream.Transport{Trace: func(net.Addr, stream.Op, []byte, error) {}}}}
	for _, scheme := range []string{"tls+throttle+tcp", "throttle+tls+tcp", "trace+ipc", "tls+ipc", "fault+tcp", "tls+tcp", "tcp"} {
		for _, dialect := range []string{"", "zmtp+"} {
			t.Run(dialect+scheme, func(t *testing.T) {
				address, query := "127.0.0.1:0", ""
				if strings.HasSuffix(scheme, "ipc") {
					address = filepath.Join(t.TempDir(), "s")
				}
				if strings.Contains(scheme, "throttle") {
					query = "?throttle=10MB/s"
				}
				if strings.Contains(scheme, "fault") {
					query = "?fault-chunk=3"
				}
				pull := spry.NewPull(&spry.PullOptions{Options: o})
				push := spry.NewPush(&spry.PushOptions{Options: o})
				defer testkit.CloseAll(t, pull, push)
				e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: scheme + "://" + address + query, TLS: cert.Server(t)})
				testkit.Check(t, err)
				_, err = push.DialWith(ctx, &spry.DialConfig{URL: dialect + e.URL() + query, TLS: clientConfig(t, cert)})
				testkit.Check(t, err)
				for i := range 100 {
					testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "message %d", i)))
				}
				for i := range 100 {
					m, err := pull.Recv(ctx)
					if err != nil || string(m) != fmt.Sprintf("message %d", i) {
						t.Fatalf("message %d is %q, %v", i, m, err)
					}
				}
				for p := range pull.Pipes() {
					if tls := p.TLS(); (tls != nil) != strings.Contains(scheme, "tls") {
						t.Errorf("the pipe has the TLS state %v", tls)
					}
				}
			})
		}
	}
	push := spry.NewPush(nil)
	defer testkit.CloseAll(t, push)
	for _, url := range []string{"throttle+tcp://127.0.0.1:1", "zmtp+tls+ipc://a"} {
		_, err := push.Connect(url)
		testkit.Wants(t, err, spry.ErrScheme, `import "github.com/sprymq/spry/stream" and add stream.Transport{} to Options.Transports`)
	}
	_, err := push.Connect("wss://h:1/jobs")
	testkit.Wants(t, err, spry.ErrScheme, `import "github.com/sprymq/spry/transport/ws" and add ws.Transport{} to Options.Transports`)
	_, err = push.Connect("pigeon://a")
	testkit.Wants(t, err, spry.ErrScheme, "pass others in Options.Transports")
}
