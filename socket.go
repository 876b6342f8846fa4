// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
)

// A Socket has the methods that all sockets have. It is embedded in them and not used by itself.
type Socket struct{ core *engine.Socket }

// inner is the engine's socket.
func (s Socket) inner() *engine.Socket { return s.core }

// String names the socket: its pattern, its number in the process, and Options.Name if that is set. It shows no other
// options, which may be secret.
func (s Socket) String() string {
	name := fmt.Sprintf("%v socket %d", Protocol(s.core.Pattern().Traits().Hello.Protocol), s.core.ID())
	if given := s.core.Options().Name; given != "" {
		name += fmt.Sprintf(" %q", given)
	}
	return name
}

// GoString is String, so that the verb %#v shows no secret of the options.
func (s Socket) GoString() string { return s.String() }

// Err returns an error that wraps [ErrConfig] if options are invalid, and nil otherwise. Constructors return no error, so
// that a socket can be made where it is declared.
func (s *Socket) Err() error { return opErr("open", s.core.Broken()) }

// Dial connects to url. The first attempt is made before Dial returns, limited by ctx and Options.HandshakeTimeout; if it
// fails there is no endpoint. When a connection is lost later, the endpoint redials.
func (s *Socket) Dial(ctx context.Context, url string) (*Endpoint, error) {
	return s.DialWith(ctx, &DialConfig{URL: url})
}

// Connect connects to url in the background, from the first attempt on: the peer need not be there yet. It fails only if the
// address or an option is invalid, or the socket is closed. [Endpoint.Wait] waits for the connection, and [Endpoint.Err] has
// the latest error.
func (s *Socket) Connect(url string) (*Endpoint, error) {
	return s.DialWith(context.Background(), &DialConfig{URL: url, Background: true})
}

// DialWith is Dial with settings. With d.Background it is Connect, and ctx is not used. d must not be nil.
func (s *Socket) DialWith(ctx context.Context, d *DialConfig) (*Endpoint, error) {
	if d == nil {
		return nil, opErr("dial", engine.NilError("DialConfig"))
	}
	e, err := s.core.Dial(ctx, d.URL, d.engineConfig(), !d.Background)
	return (*Endpoint)(e), opErr("dial", err)
}

// Listen binds url and accepts connections in the background, until the endpoint or the socket is closed. ctx limits the
// binding only. With port 0 the system chooses a port, which [Endpoint.URL] has.
func (s *Socket) Listen(ctx context.Context, url string) (*Endpoint, error) {
	return s.ListenWith(ctx, &ListenConfig{URL: url})
}

// ListenWith is Listen with settings. l must not be nil.
func (s *Socket) ListenWith(ctx context.Context, l *ListenConfig) (*Endpoint, error) {
	if l == nil {
		return nil, opErr("listen", engine.NilError("ListenConfig"))
	}
	e, err := s.core.Listen(ctx, l.URL, l.engineConfig())
	return (*Endpoint)(e), opErr("listen", err)
}

// ListenOn accepts connections from l in the background; the socket owns l from now on. cfg may be nil. Unix sockets are
// framed as on ipc, other connections as on tcp. Of cfg, only TLS, Dialects, ReadBuffer and WriteBuffer apply: with TLS,
// connections are TLS. Pipes of unix sockets have no Creds here.
func (s *Socket) ListenOn(l net.Listener, cfg *ListenConfig) (*Endpoint, error) {
	if engine.IsNil(l) {
		return nil, opErr("listen", engine.NilError("net.Listener"))
	}
	var config *tls.Config
	if cfg != nil {
		config = cfg.TLS
	}
	if config != nil {
		var err error
		if config, err = tlsconfig.Listener(config); err != nil {
			_ = l.Close()
			return nil, opErr("listen", fmt.Errorf("%w: %w", ErrConfig, err))
		}
	}
	e, err := s.core.ListenOn(netListener{l, config}, cfg.engineConfig())
	return (*Endpoint)(e), opErr("listen", err)
}

// ListenOnLinks is ListenOn for links of any kind, from a listener of another package: such as one to which an http.Handler
// passes its upgraded connections. Settings of cfg for a transport, such as TLS, do not apply.
func (s *Socket) ListenOnLinks(l transport.Listener, cfg *ListenConfig) (*Endpoint, error) {
	if engine.IsNil(l) {
		return nil, opErr("listen", engine.NilError("transport.Listener"))
	}
	e, err := s.core.ListenOn(l, cfg.engineConfig())
	return (*Endpoint)(e), opErr("listen", err)
}

// An AttachConfig has settings for an existing connection.
type AttachConfig struct {
	// Listening makes this end wait for the peer's first bytes, as a listener does. The peer must have the other value.
	// Defaults to false: this end sends first, as a dialer does.
	Listening bool

	// Framing of a stream. Defaults to that of ipc for unix sockets, and to that of tcp for others. AttachLink ignores it: a
	// transport.Stream has its own.
	Framing transport.Framing

	// Dialects that are allowed: "sp", "zmtp". The end that sends first uses the first one, a listening end the
	// peer's. Defaults to those of the socket.
	Dialects []string
}

// Attach makes a pipe of a connection, and returns after the handshake, which ctx and Options.HandshakeTimeout limit. The
// socket owns the connection from the call on, and closes it on an error. cfg may be nil. When the connection ends, so does
// the pipe; it is not redialed.
func (s *Socket) Attach(ctx context.Context, c net.Conn, cfg *AttachConfig) (*Pipe, error) {
	if engine.IsNil(c) {
		return nil, opErr("attach", engine.NilError("net.Conn"))
	}
	link := streamOf(c)
	if cfg != nil && cfg.Framing != 0 {
		link.Framing = cfg.Framing
	}
	return s.AttachLink(ctx, link, cfg)
}

// AttachLink is Attach for a link of any kind, such as one of a third party's transport.
func (s *Socket) AttachLink(ctx context.Context, l transport.Link, cfg *AttachConfig) (*Pipe, error) {
	if stream, ok := l.(*transport.Stream); engine.IsNil(l) || ok && engine.IsNil(stream.Conn) {
		return nil, opErr("attach", engine.NilError("transport.Link"))
	}
	var c engine.EndpointConfig
	if cfg != nil {
		c.Dialects = cfg.Dialects
	}
	p, err := s.core.Attach(ctx, l, cfg != nil && cfg.Listening, c)
	return (*Pipe)(p), opErr("attach", err)
}

// Pipes yields the live pipes, in no order.
func (s *Socket) Pipes() iter.Seq[*Pipe] { return pipeSeq(s.core.Pipes()) }

// WaitPipes waits until the socket has at least n pipes. It fails with [ErrClosed] when the socket is closed.
func (s *Socket) WaitPipes(ctx context.Context, n int) error {
	return opErr("wait", s.core.WaitPipes(ctx, n))
}

// Flush waits until every message that is queued now was handed to the operating system, or to the peer's queue in process.
// Messages that a broken connection returned count as queued. It does not wait until peers have received them: Close does.
func (s *Socket) Flush(ctx context.Context) error { return opErr("flush", s.core.Flush(ctx)) }

// Close sends queued messages, for as long as Options.Linger, and closes every connection in order. It returns when every
// goroutine of the socket has ended, except callbacks that are running: a callback may call Close. Messages that were
// received and not delivered are dropped and counted. The error says how many messages were not handed over
// ([OpError].Unsent), and how many were sent on connections that had to be closed without proof of arrival
// ([OpError].Unknown). A second call waits for the first and returns its error.
func (s *Socket) Close() error { return opErr("close", s.core.Close()) }

// Shutdown is Close with ctx in place of Linger. When ctx ends, it closes the connections that are left at once.
func (s *Socket) Shutdown(ctx context.Context) error { return opErr("close", s.core.Shutdown(ctx)) }

// Events yields the events of the socket, from the call on, until ctx ends or the socket is closed. A receiver that falls
// behind by more than 256 events misses some, and the next event has their number. A second loop over the result yields
// events from its own beginning on. Dropped messages of one pipe and reason may be merged into one event. Until the
// first loop ends, or the socket is closed, up to 256 events are kept for it.
func (s *Socket) Events(ctx context.Context) iter.Seq[Event] {
	events := s.core.Events(ctx)
	return func(yield func(Event) bool) {
		for v := range events {
			if !yield(newEvent(v)) {
				return
			}
		}
	}
}

// Stats returns the socket's counters. See [Stats] for the sums that balance.
func (s *Socket) Stats() Stats { return s.core.Stats() }

// netListener makes a transport's listener of a net.Listener.
type netListener struct {
	net.Listener
	tls *tls.Config // nil = none
}

func (l netListener) Accept() (transport.Link, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		c = tls.Server(c, l.tls)
	}
	return streamOf(c), nil
}

func (l netListener) URL() string {
	scheme := l.Addr().Network()
	switch {
	case l.tls != nil: // on a unix socket too, which is not ipc then: its framing is that of tcp
		scheme = "tls+" + scheme
	case scheme == "unix":
		scheme = "ipc"
	}
	return transport.URL{Scheme: scheme, Address: l.Addr().String()}.String()
}

func streamOf(c net.Conn) *transport.Stream {
	if _, ok := c.(*net.UnixConn); ok {
		return ipc.NewLink(c)
	}
	return &transport.Stream{Conn: c}
}

func pipeSeq(ps []*engine.Pipe) iter.Seq[*Pipe] {
	return func(yield func(*Pipe) bool) {
		for _, p := range ps {
			if !yield((*Pipe)(p)) {
				return
			}
		}
	}
}

// ended reports whether err is a socket's end, after which iterators end without an error.
func ended(err error) bool { return errors.Is(err, net.ErrClosed) }
