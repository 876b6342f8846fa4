// SPDX-License-Identifier: MIT

package testkit

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// A Bare peer is a connection to a listener by which a test says whatever it likes.
type Bare struct {
	net.Conn
	Typed bool // each message is preceded by its type, as on ipc
}

// BareTo connects to a listener, with TLS if the scheme has it. On ipc the peer binds a name, so that it can be identified.
func BareTo(t testing.TB, e *spry.Endpoint) *Bare {
	t.Helper()
	b := BareBelow(t, e)
	if secured(e.URL()) {
		_, client := Certificates()
		client = client.Clone()
		client.ServerName = "127.0.0.1"
		b.Conn = tls.Client(b.Conn, client)
	}
	return b
}

// BareBelow is BareTo without TLS.
func BareBelow(t testing.TB, e *spry.Endpoint) *Bare {
	t.Helper()
	b := &Bare{}
	var err error
	if path, ok := strings.CutPrefix(strings.TrimPrefix(e.URL(), "zmtp+"), "ipc://"); ok {
		b.Typed = !strings.HasPrefix(e.URL(), "zmtp+")
		own := fmt.Sprintf("%s.%d", path, Fresh())
		b.Conn, err = net.DialUnix("unix", &net.UnixAddr{Name: own, Net: "unix"}, &net.UnixAddr{Name: path, Net: "unix"})
		t.Cleanup(func() { _ = os.Remove(own) })
	} else {
		b.Conn, err = net.Dial("tcp", e.Addr().String())
	}
	Check(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// Header is the first message of a peer that speaks protocol.
func Header(protocol spry.Protocol) []byte {
	return []byte{0, 'S', 'P', 0, byte(protocol >> 8), byte(protocol), 0, 0}
}

// Frame is a message as it is on the wire.
func Frame(typed bool, message []byte) []byte {
	return append(FrameHead(typed, uint64(len(message))), message...)
}

// FrameHead is what precedes a message of some length.
func FrameHead(typed bool, length uint64) []byte {
	var f []byte
	if typed {
		f = append(f, 1)
	}
	return binary.BigEndian.AppendUint64(f, length)
}

// Shake sends a header and reads the listener's.
func (b *Bare) Shake(t testing.TB, protocol spry.Protocol) {
	t.Helper()
	b.Say(t, Header(protocol))
	b.Hear(t)
}

// Say writes bytes.
func (b *Bare) Say(t testing.TB, p []byte) {
	t.Helper()
	if _, err := b.Write(p); err != nil {
		t.Fatalf("write of a bare peer: %v", err)
	}
}

// Hear reads the listener's header.
func (b *Bare) Hear(t testing.TB) {
	t.Helper()
	Check(t, b.SetReadDeadline(time.Now().Add(Patience)))
	if _, err := io.ReadFull(b, make([]byte, 8)); err != nil {
		t.Fatalf("reading the listener's header: %v", err)
	}
}

// UntilClosed reads until the listener has closed the connection.
func (b *Bare) UntilClosed(t testing.TB) {
	t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(Patience)) // fails if the test closed the connection itself
	if _, err := io.Copy(io.Discard, b.Conn); err != nil && os.IsTimeout(err) {
		t.Errorf("%s: the listener has not closed the connection", b.LocalAddr())
	}
}

// ShakeZMTP does the handshake of a ZeroMQ peer of this type, at either end of a connection.
func (b *Bare) ShakeZMTP(t testing.TB, kind string) {
	t.Helper()
	Check(t, b.SetDeadline(time.Now().Add(Patience)))
	var saying sync.WaitGroup
	saying.Go(func() { _, _ = io.WriteString(b, OpenAs(kind)) }) // a pipe's other end may want to be heard before it reads
	head := make([]byte, 64+2)                                   // the greeting, and what precedes READY
	_, err := io.ReadFull(b, head)
	Check(t, err)
	_, err = io.ReadFull(b, make([]byte, head[65]))
	Check(t, err)
	saying.Wait()
	Check(t, b.SetWriteDeadline(time.Time{}))
}

// An Attacher is a socket that can be given connections; sockets that a test knows only in part are not.
type Attacher interface {
	Socket
	Attach(context.Context, net.Conn, *spry.AttachConfig) (*spry.Pipe, error)
}

// AttachBare gives s one end of a connection, and does the handshake of a bare peer at the other.
func AttachBare(t testing.TB, s Attacher, near, far net.Conn, c *spry.AttachConfig, shake func(b *Bare)) (*spry.Pipe, *Bare) {
	t.Helper()
	var p *spry.Pipe
	var err error
	var attaching sync.WaitGroup
	attaching.Go(func() { p, err = s.Attach(Watchdog(t), near, c) })
	b := &Bare{Conn: far}
	t.Cleanup(func() { _ = b.Close() })
	shake(b)
	attaching.Wait()
	Check(t, err)
	return p, b
}
