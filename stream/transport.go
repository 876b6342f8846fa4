// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// Transport lets sockets use URLs with layers, as [Dial] describes them:
//
//	o := spry.Options{Transports: []transport.Transport{stream.Transport{}}}
//	push := spry.NewPush(&spry.PushOptions{Options: o})
//	e, err := push.Dial(ctx, "tls+throttle+tcp://example.com:5555?throttle=1MB/s")
//
// It serves every URL of packages tcp, tlstcp and ipc, and those with layers over tcp and ipc. The zero value is ready. It is
// safe for concurrent use.
type Transport struct {
	// Trace receives the operations of the layer trace, which needs it.
	Trace TraceFunc

	// Base are the transports below the layers. Nil means tcp and ipc. Their links must be streams of bytes.
	Base []transport.Transport
}

var _ transport.Transport = Transport{}

// Schemes returns the schemes of the base transports, and tls+tcp, tls+tcp4 and tls+tcp6. See also [Transport.Serves].
func (t Transport) Schemes() []string {
	var all []string
	for _, b := range t.bases() {
		all = append(all, b.Schemes()...)
	}
	return all
}

// Serves reports whether the transport serves a scheme: there are too many to list.
func (t Transport) Serves(scheme string) bool {
	layers, base := splitStack(scheme)
	for _, l := range layers {
		if !slices.Contains(layerNames, l) {
			return false
		}
	}
	return slices.Contains(t.Schemes(), base)
}

// bases are the transports below the layers. TLS over TCP alone is that of package tlstcp, which is faster, because it is
// never detached.
func (t Transport) bases() []transport.Transport {
	if t.Base != nil {
		return t.Base
	}
	return []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}}
}

// plain returns the base transport that serves all of a scheme, or nil.
func (t Transport) plain(scheme string) transport.Transport {
	for _, b := range t.bases() {
		if slices.Contains(b.Schemes(), scheme) {
			return b
		}
	}
	return nil
}

// Dialer checks the URL and returns a dialer for it. Errors about a malformed URL wrap [transport.ErrURL].
func (t Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	if b := t.plain(u.Scheme); b != nil {
		return b.Dialer(u, o)
	}
	s, err := parseStack(u, setup{tls: o.TLS, getTLS: o.GetTLS, trace: t.Trace})
	if err != nil {
		return nil, err
	}
	base, err := s.transport(t.bases())
	if err != nil {
		return nil, err
	}
	d, err := base.Dialer(s.base, o)
	if err != nil {
		return nil, s.named(err)
	}
	return stackDialer{s, d}, nil
}

// Listen binds the address of the URL. ctx bounds the binding.
func (t Transport) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	if b := t.plain(u.Scheme); b != nil {
		return b.Listen(ctx, u, o)
	}
	s, err := parseStack(u, setup{listen: true, tls: o.TLS, trace: t.Trace})
	if err != nil {
		return nil, err
	}
	base, err := s.transport(t.bases())
	if err != nil {
		return nil, err
	}
	l, err := base.Listen(ctx, s.base, o)
	if err != nil {
		return nil, s.named(err)
	}
	return stackListener{l, s}, nil
}

type stackDialer struct {
	stack *stack
	base  transport.Dialer
}

func (d stackDialer) Dial(ctx context.Context) (transport.Link, error) {
	link, err := d.base.Dial(ctx)
	if err != nil {
		return nil, d.stack.named(err)
	}
	return d.stack.link(link)
}

type stackListener struct {
	transport.Listener
	stack *stack
}

func (l stackListener) Accept() (transport.Link, error) {
	link, err := l.Listener.Accept()
	if err != nil {
		return nil, l.stack.named(err)
	}
	return l.stack.link(link)
}

func (l stackListener) URL() string { return l.stack.dialable(l.Listener.URL()) }

// link returns the link of a base with the layers over it. Layers with a handshake are attached by the engine's call of
// HandshakeContext, the others at once.
func (s *stack) link(base transport.Link) (transport.Link, error) {
	b, err := s.bytesOf(base)
	if err != nil {
		return nil, err
	}
	over := *b
	if s.needsPeer() {
		over.Conn = newLayeredConn(b.Conn, s)
		return &over, nil
	}
	top, err := s.attach(context.Background(), b.Conn)
	if err != nil {
		return nil, err
	}
	if over.Conn, err = top.Conn(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.url.Redacted(), err)
	}
	return &over, nil
}

// dialable is the URL of a base's listener with the layers.
func (s *stack) dialable(base string) string {
	u, err := transport.ParseURL(base)
	if err != nil {
		return base
	}
	for _, l := range s.layers {
		u.Scheme = l.name + "+" + u.Scheme
	}
	return u.String()
}
