// SPDX-License-Identifier: MIT

package simnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/transport"
)

// connect returns the two ends of a link to url, which must be listened to.
func connect(t *testing.T, n *simnet.Net, l transport.Listener, d transport.Dialer) (dialed, accepted transport.Link) {
	t.Helper()
	dialed, err := d.Dial(t.Context())
	if err != nil {
		t.Fatalf("dial %s: %v", l.URL(), err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatalf("accept on %s: %v", l.URL(), err)
	}
	return dialed, accepted
}

func listen(t *testing.T, n *simnet.Net, url string) transport.Listener {
	t.Helper()
	u := parse(t, url)
	l, err := n.Listen(t.Context(), u, transport.ListenOptions{})
	if err != nil {
		t.Fatalf("listen on %s: %v", url, err)
	}
	return l
}

func dialer(t *testing.T, n *simnet.Net, url string) transport.Dialer {
	t.Helper()
	d, err := n.Dialer(parse(t, url), transport.DialOptions{})
	if err != nil {
		t.Fatalf("dialer for %s: %v", url, err)
	}
	return d
}

func parse(t *testing.T, url string) transport.URL {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// messageLink connects a message link of a network with these options.
func messageLink(t *testing.T, n *simnet.Net) (dialed, accepted transport.Messages) {
	t.Helper()
	l := listen(t, n, "simmsg://server")
	d, a := connect(t, n, l, dialer(t, n, "simmsg://server"))
	return d.(transport.Messages), a.(transport.Messages)
}

func mustWrite(t *testing.T, w io.Writer, p []byte) {
	t.Helper()
	if n, err := w.Write(p); n != len(p) || err != nil {
		t.Fatalf("Write of %d bytes = %d, %v", len(p), n, err)
	}
}

func mustRead(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes %.40q, %v; want %d bytes %.40q", n, got[:n], err, len(want), want)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: error %v, want %v", what, err, want)
	}
}

// numbered returns n bytes that tell their place.
func numbered(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i ^ i>>8)
	}
	return p
}

// after returns how much virtual time f takes.
func after(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func timeout(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

const (
	reset   = syscall.ECONNRESET
	refused = syscall.ECONNREFUSED
	noPipe  = syscall.EPIPE
)
