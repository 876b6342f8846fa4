// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// TLSClient attaches TLS to a stream of bytes and does the client's handshake. The configuration names the server that it
// expects in ServerName. Detach sends the alert close_notify and waits for the peer's.
func TLSClient(ctx context.Context, below *Bytes, config *tls.Config) (*Bytes, error) {
	return attachTLS(ctx, below, tls.Client, config)
}

// TLSServer attaches TLS to a stream of bytes and does the server's handshake, for which the configuration needs a
// certificate.
func TLSServer(ctx context.Context, below *Bytes, config *tls.Config) (*Bytes, error) {
	return attachTLS(ctx, below, tls.Server, config)
}

func attachTLS(ctx context.Context, below *Bytes, side func(net.Conn, *tls.Config) *tls.Conn, config *tls.Config) (*Bytes, error) {
	return Wrap(below, func(below net.Conn) (Layer, error) {
		c := side(&recordGate{Conn: below}, config)
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		return &tlsLayer{c}, nil
	})
}

type tlsLayer struct{ *tls.Conn }

func (l *tlsLayer) End(ctx context.Context) (rest []byte, err error) {
	var out, in direction
	out.setDeadline, in.setDeadline = l.SetWriteDeadline, l.SetReadDeadline
	defer func() { _ = l.SetDeadline(time.Time{}) }() // CloseWrite has set one, so that nothing is written after it
	defer out.unwatch()
	defer in.unwatch()
	if _, err := out.do(ctx, func() (int, error) { return 0, l.Conn.CloseWrite() }); err != nil {
		return nil, err
	}
	dropped := make([]byte, 16<<10)
	return nil, drain(func() (int, error) {
		return in.do(ctx, func() (int, error) { return l.Read(dropped) })
	})
}

// Close ends the stream at once: it does not wait for a peer that has stopped reading.
func (l *tlsLayer) Close() error { return l.NetConn().Close() }

// recordHeader is the size of a TLS record's header, whose last two bytes are the size of what follows.
const recordHeader = 5

// A recordGate lets crypto/tls read to the end of one record at a time, where it would read all that has arrived: what
// follows the peer's close_notify is not TLS's.
type recordGate struct {
	net.Conn
	head []byte // of the record, as far as it was read
	left int    // bytes of the record after its header
}

func (g *recordGate) Read(p []byte) (int, error) {
	if g.left > 0 {
		n, err := g.Conn.Read(p[:min(len(p), g.left)])
		g.left -= n
		return n, err
	}
	n, err := g.Conn.Read(p[:min(len(p), recordHeader-len(g.head))])
	g.head = append(g.head, p[:n]...)
	if len(g.head) == recordHeader {
		g.left = int(binary.BigEndian.Uint16(g.head[3:]))
		g.head = g.head[:0]
	}
	return n, err
}
