// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// An Endpoint is a running dialer or listener.
type Endpoint engine.Endpoint

func (e *Endpoint) inner() *engine.Endpoint { return (*engine.Endpoint)(e) }

// String is "listener" or "dialer" with the address.
func (e *Endpoint) String() string {
	if e == nil {
		return "no endpoint"
	}
	if e.Listening() {
		return "listener " + e.URL()
	}
	return "dialer " + e.URL()
}

// GoString is String, so that the verb %#v shows no secret of the configuration.
func (e *Endpoint) GoString() string { return e.String() }

// URL is the endpoint's address. A listener's has port 0 and wildcards resolved, so that a local peer can dial it.
func (e *Endpoint) URL() string { return e.inner().URL() }

// Listening reports whether the endpoint listens; otherwise it dials.
func (e *Endpoint) Listening() bool { return e.inner().Listening() }

// Addr is a listener's bound address, and nil for a dialer.
func (e *Endpoint) Addr() net.Addr { return e.inner().Addr() }

// Wait waits until the endpoint has a pipe. It fails with [ErrClosed] when the endpoint or its socket ends, and with ctx's
// error when ctx ends.
func (e *Endpoint) Wait(ctx context.Context) error { return opErr("wait", e.inner().Wait(ctx)) }

// Err is why the endpoint ended or, while it runs, the latest error since its latest pipe was established; nil if there was
// none. A dialer whose peer closed the connection reports an error that wraps [io.EOF] until the next connection.
func (e *Endpoint) Err() error { return opErr("endpoint", e.inner().Err()) }

// Pipes yields the endpoint's live pipes, in no order.
func (e *Endpoint) Pipes() iter.Seq[*Pipe] { return pipeSeq(e.inner().Pipes()) }

// StopListening makes a listener refuse new connections and keep its existing ones, as libzmq's zmq_unbind does. The address
// is free at once; handshakes that have begun continue. The endpoint itself ends by Close, or with its socket. On a dialer
// it does nothing. A second call does nothing either, but may fail with [net.ErrClosed].
func (e *Endpoint) StopListening() error { return opErr("endpoint", e.inner().StopListening()) }

// Close ends the endpoint and its pipes at once, and returns nil when its goroutines have ended. Queued messages are handled
// as after a broken connection: see the socket's type. The socket and its other endpoints continue.
func (e *Endpoint) Close() error { return e.inner().Close() }

// A Pipe is one established connection with one peer.
type Pipe engine.Pipe

func (p *Pipe) inner() *engine.Pipe { return (*engine.Pipe)(p) }

// String describes the pipe by its number, roles and peer: "pipe 7 (push to pull at 10.0.0.1:5555)".
func (p *Pipe) String() string {
	if p == nil {
		return "no pipe"
	}
	text := fmt.Sprintf("pipe %d (%v to %v", p.ID(), p.Protocol(), p.PeerProtocol())
	if a := p.RemoteAddr(); a != nil {
		text += " at " + a.String()
	}
	return text + ")"
}

// GoString is String, so that the verb %#v shows no secret of the configuration.
func (p *Pipe) GoString() string { return p.String() }

// ID identifies the pipe in routing headers: 1 to 2^31-1, unique in the process. Numbers repeat only after 2^31-1 pipes.
func (p *Pipe) ID() uint32 { return p.inner().ID() }

// Endpoint is the dialer or listener that made the pipe. The pipe of an Attach has an endpoint of its own, with a URL that
// begins with attached://.
func (p *Pipe) Endpoint() *Endpoint { return (*Endpoint)(p.inner().Endpoint()) }

// LocalAddr is this end's address of the connection, in the transport's form; nil if the transport has none.
func (p *Pipe) LocalAddr() net.Addr { return p.inner().Link().LocalAddr() }

// RemoteAddr is the peer's address of the connection, in the transport's form; nil if the transport has none.
func (p *Pipe) RemoteAddr() net.Addr { return p.inner().Link().RemoteAddr() }

// TLS is the state of the connection's TLS, with the peer's certificates, or nil.
func (p *Pipe) TLS() *tls.ConnectionState { return p.inner().Link().Info().TLS }

// Creds identifies the peer's process, if the operating system reports it; else nil.
func (p *Pipe) Creds() *transport.Creds { return p.inner().Link().Info().Creds }

// Request is what the dialing end asked for, on transports that begin with a request: an *http.Request on a WebSocket, see
// package web. It is nil elsewhere.
func (p *Pipe) Request() any { return p.inner().Link().Info().Request }

// Dialect is the pipe's dialect: "sp", "zmtp" or "inproc".
func (p *Pipe) Dialect() string { return p.inner().Session().Dialect }

// Protocol is this end's protocol on the pipe. A listening [Pair] may use another for each peer.
func (p *Pipe) Protocol() Protocol { return Protocol(p.inner().Session().Local.Protocol) }

// PeerProtocol is the peer's protocol on the pipe.
func (p *Pipe) PeerProtocol() Protocol { return Protocol(p.inner().Session().Peer) }

// Metadata has the peer's properties, if the dialect has some: ZeroMQ's does. The map is read-only. The peer claims them,
// except "User-Id": that is its user according to the connection's [Security], and no peer can claim it.
func (p *Pipe) Metadata() map[string]string { return p.inner().Session().Metadata }

// Stats returns the pipe's counters.
func (p *Pipe) Stats() PipeStats { return p.inner().Stats() }

// Done is closed when the pipe has ended.
func (p *Pipe) Done() <-chan struct{} { return p.inner().Done() }

// Err says why the pipe has ended: nil while it lives, [io.EOF] after the peer's orderly end, [ErrClosed] after this end's.
func (p *Pipe) Err() error { return p.inner().Err() }

// Close ends the pipe at once and returns nil. Its queued messages are handled as after a broken connection; a dialing
// endpoint redials.
func (p *Pipe) Close() error {
	p.inner().Close(engine.ErrClosed)
	return nil
}
