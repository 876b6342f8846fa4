// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"time"

	"github.com/sprymq/spry/transport"
)

// handshakeTimeout is the default of ListenOptions.
const handshakeTimeout = 10 * time.Second

// ListenOptions configure [Listen]. The zero value, or nil, means the defaults.
type ListenOptions struct {
	// TLS configures the layer tls, which needs a certificate.
	TLS *tls.Config

	// Trace receives the operations of the layer trace, which needs it.
	Trace TraceFunc

	// HandshakeTimeout is how long a client may take until its layers are attached. 0 means 10 s.
	HandshakeTimeout time.Duration

	// Refused is called for each connection whose layers could not be attached, by several goroutines at once. It must not
	// block. Nil means that these connections are closed silently.
	Refused func(remote net.Addr, err error)

	// Permissions of an ipc socket's file. 0 means those that the umask leaves.
	Permissions fs.FileMode

	// Nagle leaves Nagle's algorithm on. It is off by default.
	Nagle bool

	// KeepAlive is the time between TCP keep-alive probes. 0 means 15 s, negative means none.
	KeepAlive time.Duration

	// Transports are the base transports. Nil means tcp, ipc and inproc. Their links must be streams of bytes.
	Transports []transport.Transport
}

// A Listener accepts streams. Its methods are safe for concurrent use.
type Listener struct {
	stack *stack
	all   *acceptor[*Bytes]
}

// Listen binds a URL, whose forms are those of [Dial], except that proxies are for dialing. tcp://127.0.0.1:0 picks a free port:
// see [Listener.URL]. ctx bounds the binding.
func Listen(ctx context.Context, url string, o *ListenOptions) (*Listener, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &ListenOptions{}
	}
	s, err := parseStack(u, setup{listen: true, tls: o.TLS, trace: o.Trace})
	if err != nil {
		return nil, err
	}
	inner, err := s.bind(ctx, o)
	if err != nil {
		return nil, err
	}
	return newListener(inner, s, o), nil
}

// NewListener returns a listener of the connections that l accepts, without layers. It owns l from now on.
func NewListener(l net.Listener) *Listener {
	u := transport.URL{Scheme: l.Addr().Network(), Address: l.Addr().String()}
	return newListener(netListener{l}, &stack{url: u, base: u}, &ListenOptions{})
}

func newListener(inner transport.Listener, s *stack, o *ListenOptions) *Listener {
	return &Listener{stack: s, all: newAcceptor(inner, o, s.accepted)}
}

// accepted attaches the layers to an accepted connection.
func (s *stack) accepted(ctx context.Context, link transport.Link) (*Bytes, error) {
	base, err := s.bytesOf(link)
	if err != nil {
		return nil, err
	}
	return s.attach(ctx, base.Conn)
}

// bind binds the base of a URL with layers.
func (s *stack) bind(ctx context.Context, o *ListenOptions) (transport.Listener, error) {
	t, err := s.transport(o.Transports)
	if err != nil {
		return nil, err
	}
	l, err := t.Listen(ctx, s.base, transport.ListenOptions{Nagle: o.Nagle, KeepAlive: o.KeepAlive, Permissions: o.Permissions})
	return l, s.named(err)
}

// Accept waits for the next stream, whose layers are attached. Slow and silent clients do not delay others: when too many are
// attaching layers, the oldest of the address with the most is closed. After Close, the error is a [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (*Bytes, error) { return l.all.accept(ctx) }

// Addr returns the bound address.
func (l *Listener) Addr() net.Addr { return l.all.inner.Addr() }

// URL returns the address that a local client can dial, with the layers and without their parameters:
// tls+tcp://127.0.0.1:40123.
func (l *Listener) URL() string { return l.stack.dialable(l.all.inner.URL()) }

// Close stops listening, makes blocked calls of Accept return, and closes the streams that were not accepted. A second Close
// returns the same.
func (l *Listener) Close() error { return l.all.close() }
