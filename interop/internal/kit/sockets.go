// SPDX-License-Identifier: MIT

package kit

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// Socket is what these tests need of every pattern.
type Socket interface {
	DialWith(ctx context.Context, d *spry.DialConfig) (*spry.Endpoint, error)
	ListenWith(ctx context.Context, l *spry.ListenConfig) (*spry.Endpoint, error)
	WaitPipes(ctx context.Context, n int) error
	Close() error
}

// Options suit tests with peers that start slowly, go away, and send large messages.
var Options = spry.Options{Transports: transports, Backoff: spry.Backoff{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}}

var transports = []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}}

// Watched is a context that ends only if the test hangs.
func Watched(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peer.Watchdog)
	t.Cleanup(cancel)
	return ctx
}

// Attach dials or listens, and closes the socket when the test ends.
func Attach(t *testing.T, s Socket, a Address) {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	listen := &spry.ListenConfig{URL: a.URL}
	dial := &spry.DialConfig{URL: a.Dialect + a.URL, Background: true}
	if a.TLS != nil {
		listen.TLS, dial.TLS = a.TLS.config(true, a.Mutual), a.TLS.config(false, a.Mutual)
	}
	var err error
	if a.SpryListens {
		_, err = s.ListenWith(Watched(t), listen)
	} else {
		_, err = s.DialWith(Watched(t), dial)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// WaitPipes waits for n peers.
func WaitPipes(t *testing.T, s Socket, n int) {
	t.Helper()
	if err := s.WaitPipes(Watched(t), n); err != nil {
		t.Fatalf("wait for %d peers: %v", n, err)
	}
}

// Must returns a value, or fails the test for the error that came with it.
func Must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Proxy runs a Proxy between two raw sockets until the test ends.
func Proxy(t *testing.T, a spry.Protocol, front Address, b spry.Protocol, back Address) {
	t.Helper()
	one := Must[*spry.Raw](t)(spry.NewRaw(a, &Options))
	two := Must[*spry.Raw](t)(spry.NewRaw(b, &Options))
	Attach(t, one, front)
	Attach(t, two, back)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- spry.Proxy(ctx, one, two, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the proxy ended with %v", err)
		}
	})
}

// OnlyPipe is the one pipe of a socket.
func OnlyPipe(t *testing.T, s spry.Socket) *spry.Pipe {
	t.Helper()
	pipes := slices.Collect(s.Pipes())
	if len(pipes) != 1 {
		t.Fatalf("there are %d pipes instead of one", len(pipes))
	}
	return pipes[0]
}

// WaitFor waits for a condition that no event reports.
func WaitFor(t *testing.T, so func() bool) {
	t.Helper()
	for ctx := Watched(t); !so(); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("what the test waits for does not come about")
		}
	}
}
