// SPDX-License-Identifier: MIT

package testkit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/transport"
)

// A Socket is what all sockets have.
type Socket interface {
	DialWith(context.Context, *spry.DialConfig) (*spry.Endpoint, error)
	ListenWith(context.Context, *spry.ListenConfig) (*spry.Endpoint, error)
	Close() error
	Stats() spry.Stats
	WaitPipes(context.Context, int) error
}

// Certificates returns the TLS configurations of listeners and of dialers.
var Certificates = sync.OnceValues(func() (server, client *tls.Config) {
	a := testcert.NewAuthority(nil)
	own := a.Issue(nil, "testkit", "127.0.0.1", Host)
	return &tls.Config{Certificates: []tls.Certificate{own}}, &tls.Config{RootCAs: a.Pool}
})

var fresh atomic.Int64

// Fresh returns a number that it has not returned before.
func Fresh() int64 { return fresh.Add(1) }

// Address returns a URL to listen on: a fresh one where the scheme has names.
func Address(t testing.TB, scheme string) string {
	t.Helper()
	switch scheme {
	case "inproc":
		return fmt.Sprintf("inproc://test-%d", Fresh())
	case "ipc", "zmtp+ipc":
		dir, err := os.MkdirTemp("", "spry") // t.TempDir makes paths that are too long for a socket
		Check(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return scheme + "://" + filepath.Join(dir, "s")
	}
	return scheme + "://" + Host + ":0"
}

// Host is an address of the loopback network for tests to listen on. Where that network has more than one, this process has one of
// its own: a client of another test that goes on redialing its server's port must not find a socket of this process there.
var Host = func() string {
	if runtime.GOOS != "linux" {
		return "127.0.0.1"
	}
	id := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+id>>16&0x7f, id>>8&0xff, 1+id&0x7f)
}()

// ListenOn makes s listen on a fresh address of a scheme.
func ListenOn(t testing.TB, s Socket, scheme string) *spry.Endpoint {
	t.Helper()
	return ListenAt(t, s, Address(t, scheme))
}

// ListenAt makes s listen on an address.
func ListenAt(t testing.TB, s Socket, url string) *spry.Endpoint {
	t.Helper()
	c := &spry.ListenConfig{URL: url}
	if secured(url) {
		c.TLS, _ = Certificates()
	}
	e, err := s.ListenWith(Watchdog(t), c)
	Check(t, err)
	return e
}

// secured reports whether a URL is one of TLS.
func secured(url string) bool {
	scheme, _, _ := strings.Cut(url, "://")
	return strings.Contains(scheme, "tls+") || strings.HasSuffix(scheme, "wss")
}

// DialTo connects s to a listener.
func DialTo(t testing.TB, s Socket, e *spry.Endpoint) *spry.Endpoint {
	t.Helper()
	d, err := s.DialWith(Watchdog(t), DialerTo(e))
	Check(t, err)
	return d
}

// DialerTo returns how to dial a listener.
func DialerTo(e *spry.Endpoint) *spry.DialConfig { return DialerAt(e.URL()) }

// DialerAt returns how to dial an address.
func DialerAt(url string) *spry.DialConfig {
	d := &spry.DialConfig{URL: url}
	if secured(url) {
		_, d.TLS = Certificates()
	}
	return d
}

// CloseAll closes sockets when the test ends.
func CloseAll(t testing.TB, ss ...io.Closer) {
	t.Cleanup(func() {
		for _, s := range ss {
			_ = s.Close()
		}
	})
}

// Shut closes sockets, senders first, and checks their figures at rest.
func Shut(t testing.TB, ss ...Socket) {
	t.Helper()
	for _, s := range ss {
		Check(t, s.Close())
	}
	for _, s := range ss {
		st := s.Stats()
		if why := Unbalanced(st); why != "" {
			t.Error(why)
		}
		if q := st.Send.Queued + st.Recv.Queued; q != 0 {
			t.Errorf("%s: %d messages are queued after Close", st.Name, q)
		}
	}
}

// IgnoreUnsent is the error of a Close that may leave messages behind.
func IgnoreUnsent(err error) error {
	if errors.Is(err, spry.ErrUnsent) {
		return nil
	}
	return err
}

// Private returns options for sockets with a network of their own.
func Private() spry.Options { return spry.Options{Network: spry.NewNetwork()} }

// Simulated returns options for sockets of a network in memory.
func Simulated(n *simnet.Net) spry.Options {
	return spry.Options{Transports: []transport.Transport{n}, Linger: -1}
}
