// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// maxReady is how many streams of a listener wait for Accept before no more connections are accepted.
const maxReady = 64

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
	inner   transport.Listener
	stack   *stack
	refused func(remote net.Addr, err error)
	timeout time.Duration
	scope   *scope.Scope
	ready   chan *Bytes
	slots   chan struct{} // one for each stream in ready
	failed  chan struct{} // closed when the listener has stopped by itself
	err     error         // why; before failed is closed
	pending pending
	close   func() error
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
	t, err := s.transport(o.Transports)
	if err != nil {
		return nil, err
	}
	inner, err := t.Listen(ctx, s.base, transport.ListenOptions{Nagle: o.Nagle, KeepAlive: o.KeepAlive, Permissions: o.Permissions})
	if err != nil {
		return nil, s.named(err)
	}
	return newListener(inner, s, o), nil
}

// NewListener returns a listener of the connections that l accepts, without layers. It owns l from now on.
func NewListener(l net.Listener) *Listener {
	u := transport.URL{Scheme: l.Addr().Network(), Address: l.Addr().String()}
	return newListener(netListener{l}, &stack{url: u, base: u}, &ListenOptions{})
}

func newListener(inner transport.Listener, s *stack, o *ListenOptions) *Listener {
	l := &Listener{
		inner: inner, stack: s, refused: o.Refused, timeout: o.HandshakeTimeout, scope: scope.New(),
		slots: make(chan struct{}, maxReady), ready: make(chan *Bytes, maxReady), failed: make(chan struct{}),
	}
	if l.timeout <= 0 {
		l.timeout = handshakeTimeout
	}
	l.close = sync.OnceValue(l.closeOnce)
	_ = l.scope.Go(l.run)
	return l
}

// Accept waits for the next stream, whose layers are attached. Slow and silent clients do not delay others: when too many are
// attaching layers, the oldest of the address with the most is closed. After Close, the error is a [net.ErrClosed].
func (l *Listener) Accept(ctx context.Context) (*Bytes, error) {
	select {
	case <-l.scope.Done():
		return nil, net.ErrClosed
	default:
	}
	select {
	case b := <-l.ready:
		<-l.slots
		return b, nil
	case <-l.failed:
		return nil, l.err
	case <-l.scope.Done():
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Addr returns the bound address.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// URL returns the address that a local client can dial, with the layers and without their parameters:
// tls+tcp://127.0.0.1:40123.
func (l *Listener) URL() string {
	return l.stack.dialable(l.inner.URL())
}

// Close stops listening, makes blocked calls of Accept return, and closes the streams that were not accepted. A second Close
// returns the same.
func (l *Listener) Close() error { return l.close() }

func (l *Listener) closeOnce() error {
	l.scope.Cancel(net.ErrClosed)
	err := l.inner.Close()
	l.scope.Close(net.ErrClosed)
	for len(l.ready) > 0 {
		_ = (<-l.ready).Close()
	}
	return err
}

// run accepts connections until the listener is closed.
func (l *Listener) run() {
	const shortest, longest = 5 * time.Millisecond, time.Second
	for pause := shortest; ; {
		select {
		case l.slots <- struct{}{}: // there is room for one more
			<-l.slots
		case <-l.scope.Done():
			return
		}
		link, err := l.inner.Accept()
		switch {
		case err == nil:
			pause = shortest
			l.begin(link)
			continue
		case l.scope.Context().Err() != nil:
			return
		case errors.Is(err, net.ErrClosed):
			l.err = err
			close(l.failed)
			return
		}
		l.scope.Sleep(pause) // then the loop ends, if the listener is closed
		pause = min(2*pause, longest)
	}
}

// begin attaches the layers of a connection, beside those of others.
func (l *Listener) begin(link transport.Link) {
	ctx, cancel := context.WithCancelCause(l.scope.Context())
	p := l.pending.add(link.RemoteAddr(), cancel)
	err := l.scope.Go(func() {
		remote := link.RemoteAddr()
		b, err := l.attach(ctx, link)
		l.pending.remove(p)
		if err != nil {
			if l.refused != nil && l.scope.Context().Err() == nil {
				l.refused(remote, err)
			}
			return
		}
		select {
		case l.slots <- struct{}{}:
			l.ready <- b // has room: a slot is taken
		case <-l.scope.Done():
			_ = b.Close()
		}
	})
	if err != nil {
		l.pending.remove(p)
		_ = link.Close()
	}
}

func (l *Listener) attach(ctx context.Context, link transport.Link) (*Bytes, error) {
	base, err := l.stack.bytesOf(link)
	if err != nil {
		return nil, err
	}
	timely, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	b, err := l.stack.attach(timely, base.Conn)
	if err != nil && errors.Is(context.Cause(ctx), errEvicted) {
		err = fmt.Errorf("%w: %w", errEvicted, err)
	}
	return b, err
}
