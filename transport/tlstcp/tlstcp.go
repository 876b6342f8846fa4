// SPDX-License-Identifier: MIT

// Package tlstcp is the transport over TLS on TCP.
//
// Its schemes are tls+tcp (both families), tls+tcp4 and tls+tcp6, and its addresses are those of package tcp. A listener
// needs a configuration with a certificate; a dialer without one trusts the system's roots and expects the URL's host in the
// peer's certificate: example.com for the service _feed._tcp.example.com, because its SRV records are not authenticated. The
// lowest version is TLS 1.2. For mutual TLS the listener's configuration has tls.RequireAndVerifyClientCert, and the dialer's has
// a certificate.
//
// Certificates with RSA keys of less than 2048 bits are refused, in the peer's chain too. Configurations are copied, so later
// changes to them have no effect. To exchange certificates and authorities while an endpoint runs, use package certs, or the
// callbacks of [tls.Config] and GetTLS of the options.
package tlstcp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/internal/tcpnet"
)

// Transport is the TLS transport. Its zero value is ready, and safe for concurrent use.
type Transport struct{}

var _ transport.Transport = Transport{}

// Schemes returns tls+tcp, tls+tcp4 and tls+tcp6.
func (Transport) Schemes() []string { return []string{"tls+tcp", "tls+tcp4", "tls+tcp6"} }

// Dialer checks the address and the configuration and returns a dialer for the address. Errors of a malformed address wrap
// [transport.ErrURL]. A MaxVersion below TLS 1.2 is an error.
func (Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	d, err := tcpnet.NewDialer(u, o)
	if err != nil {
		return nil, err
	}
	config, err := tlsconfig.NewDialer(o.TLS, o.GetTLS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	return &dialer{url: u, tcp: d, config: config}, nil
}

// Listen binds the address and begins to listen. ctx bounds the look-up of a name. A configuration without a certificate is an
// error.
func (Transport) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	config, err := tlsconfig.Listener(o.TLS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	l, err := tcpnet.Listen(ctx, u, o)
	if err != nil {
		return nil, err
	}
	return &listener{Listener: l, config: config}, nil
}

type dialer struct {
	url    transport.URL
	tcp    *tcpnet.Dialer
	config *tlsconfig.Dialer
}

// Dial returns when TCP is connected. The TLS handshake is the caller's to do: see [transport.Handshaker].
func (d *dialer) Dial(ctx context.Context) (transport.Link, error) {
	config, err := d.config.Config(ctx, d.tcp.Host())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.url.Redacted(), err)
	}
	tcp, err := d.tcp.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return newLink(tcp, config, tls.Client), nil
}

type listener struct {
	*tcpnet.Listener
	config *tls.Config
}

// Accept returns as soon as TCP is connected, as Dial does.
func (l *listener) Accept() (transport.Link, error) {
	tcp, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newLink(tcp, l.config, tls.Server), nil
}

func newLink(tcp net.Conn, c *tls.Config, open func(net.Conn, *tls.Config) *tls.Conn) *transport.Stream {
	below := &records{Conn: tcp}
	return &transport.Stream{Conn: &conn{Conn: open(below, c), below: below}, Framing: transport.FramingLength}
}

// Close ends the connection at once. Unlike [tls.Conn.Close] it does not wait up to five seconds for a peer that has stopped
// reading; for an orderly end call CloseWrite before it.
func (c *conn) Close() error { return c.NetConn().Close() }

// CloseWrite ends the outgoing direction, in TLS and below it. The handshake must be complete.
func (c *conn) CloseWrite() error {
	if err := c.Conn.CloseWrite(); err != nil {
		return err
	}
	if tcp, ok := c.below.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}
