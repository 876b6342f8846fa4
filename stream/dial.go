// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
)

// DialOptions configure [Dial]. The zero value, or nil, means the defaults.
type DialOptions struct {
	// TLS configures the layer tls. Nil means the system's roots. An empty ServerName means the URL's host.
	TLS *tls.Config

	// GetTLS, if not nil, is called for each connection and returns its configuration, in place of TLS: see package certs.
	// The configuration is copied. ctx is that of Dial.
	GetTLS func(ctx context.Context) (*tls.Config, error)

	// Trace receives the operations of the layer trace, which needs it.
	Trace TraceFunc

	// DialContext replaces the way in which tcp and ipc connect: for proxies, overlays and tests.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Nagle leaves Nagle's algorithm on. It is off by default.
	Nagle bool

	// KeepAlive is the time between TCP keep-alive probes. 0 means 15 s, negative means none.
	KeepAlive time.Duration

	// Transports are the base transports. Nil means tcp, ipc and inproc. Their links must be streams of bytes.
	Transports []transport.Transport
}

// Dial connects to a URL and attaches the layers that it names, the first word on top:
//
//	tcp://example.com:7                                  a name, whose addresses are raced
//	ipc:///run/app/feed.sock                             also unix:// and abstract://
//	inproc://feed                                        a listener of the same process
//	tls+tcp://example.com:7                              TLS over TCP
//	tls+throttle+tcp://example.com:7?throttle=1MB/s      TLS over a layer that limits the rate, over TCP
//	throttle+ipc:///run/feed.sock?throttle-read=1MB/s
//	tls+socks5+tcp://example.com:7?socks5=127.0.0.1:1080 through a SOCKS proxy
//	tls+connect+tcp://example.com:7?connect=proxy:3128   through an HTTP proxy
//	trace+tcp://example.com:7                            reports to DialOptions.Trace
//	fault+tcp://example.com:7?fault-delay=10ms           also fault-chunk, fault-stall and fault-cut, in bytes
//
// Packages tcp and ipc describe the addresses. In a URL with layers, an address ends at its first question mark. A proxy's
// credentials are the parameters socks5-user and socks5-password, or connect-user and connect-password.
//
// Each call looks names up anew, so a program that redials reaches servers that have moved. ctx bounds the connecting and
// the handshakes of the layers. Errors about a malformed URL wrap [transport.ErrURL]. Dial is safe for concurrent use.
func Dial(ctx context.Context, url string, o *DialOptions) (*Bytes, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &DialOptions{}
	}
	s, err := parseStack(u, setup{tls: o.TLS, getTLS: o.GetTLS, trace: o.Trace})
	if err != nil {
		return nil, err
	}
	t, err := s.transport(o.Transports)
	if err != nil {
		return nil, err
	}
	d, err := t.Dialer(s.base, transport.DialOptions{DialContext: o.DialContext, Nagle: o.Nagle, KeepAlive: o.KeepAlive})
	if err != nil {
		return nil, s.named(err)
	}
	link, err := d.Dial(ctx)
	if err != nil {
		return nil, s.named(err)
	}
	base, err := s.bytesOf(link)
	if err != nil {
		return nil, err
	}
	return s.attach(ctx, base.Conn)
}

// defaultTransports serve the bases of URLs.
func defaultTransports() []transport.Transport {
	return []transport.Transport{tcp.Transport{}, ipc.Transport{}, inproc{}}
}

// transport returns the one of the base. Nil means the defaults.
func (s *stack) transport(all []transport.Transport) (transport.Transport, error) {
	if all == nil {
		all = defaultTransports()
	}
	var known []string
	for _, t := range all {
		if slices.Contains(t.Schemes(), s.base.Scheme) {
			return t, nil
		}
		known = append(known, t.Schemes()...)
	}
	return nil, s.malformed("no transport for %q; there are %s; pass others in Transports of the options", s.base.Scheme, strings.Join(known, ", "))
}

// bytesOf returns a link that is a stream of bytes, and closes others.
func (s *stack) bytesOf(link transport.Link) (*transport.Stream, error) {
	if b, ok := link.(*transport.Stream); ok {
		return b, nil
	}
	_ = link.Close()
	return nil, fmt.Errorf("%s: %s moves messages, and layers of bytes need a stream of bytes", s.url.Redacted(), s.base.Scheme)
}
