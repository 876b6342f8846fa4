// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/unfinished"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// An Endpoint is a running dialer or listener of a socket.
type Endpoint struct {
	id     uint64 // among the socket's
	socket *Socket
	scope  *scope.Scope
	listen bool
	config EndpointConfig
	url    transport.URL
	shown  string         // the URL as users see it: with the real port
	spoken []wire.Dialect // the allowed dialects; a dialer uses the first
	named  string         // the dialect that the URL names, with its plus sign

	dialer   transport.Dialer // dialing endpoints
	listener transport.Listener
	inproc   *inprocListener
	first    chan error // the outcome of a dialer's first attempt

	session atomic.Pointer[wire.Session] // the last one that other connections may share

	mu          lock.Mutex[lock.Endpoint]
	pipes       map[*Pipe]struct{}
	places      int                          // pipes, including those that are being attached
	unfinished  unfinished.Set[*pendingLink] // handshakes at work
	established uint64                       // connections made or accepted
	attempts    uint64                       // of a dialer
	next        time.Time                    // when a dialer's next attempt begins; zero during one, and while it is connected
	failed      drops                        // attempts by reason
	rejected    map[reasons.Reason]uint64
	past        bool  // rejected is a part of the socket's: see pastPipes
	err         error // why the endpoint ended, or the last thing that went wrong
	quiet       bool  // the socket is closing: no new connections unless there is something to deliver
}

// An EndpointConfig has the settings of a DialConfig or ListenConfig of the root package.
type EndpointConfig struct {
	Dial    transport.DialOptions
	Listen  transport.ListenOptions
	Backoff *Backoff // nil = the socket's

	// Dialects are the names of the allowed dialects. A dialer uses the first. None means all of the socket's.
	Dialects []string

	// ReadBuffer and WriteBuffer are the kernel's, in bytes; 0 leaves them alone.
	ReadBuffer, WriteBuffer int

	// GiveUp, if not nil, is called after each failed attempt and each ended connection. True ends the dialer.
	GiveUp func(err error) bool
}

// newEndpoint returns an endpoint that does nothing yet. The zero URL is that of connections that are there already.
func (s *Socket) newEndpoint(listen bool, u transport.URL, shown string, c EndpointConfig) (*Endpoint, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	e := &Endpoint{
		id: s.lastEndpoint.Add(1), socket: s, listen: listen, config: c, shown: urls.Redact(shown),
		pipes: make(map[*Pipe]struct{}), rejected: make(map[reasons.Reason]uint64), first: make(chan error, 1),
		spoken: s.options.Dialects,
	}
	var err error
	if e.url, err = e.choose(u); err != nil {
		return nil, err
	}
	e.scope = s.scope.Child()
	return e, nil
}

// endpointAt is newEndpoint of a URL as the application writes it.
func (s *Socket) endpointAt(listen bool, url string, c EndpointConfig) (*Endpoint, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return s.newEndpoint(listen, u, u.String(), c)
}

// choose determines the endpoint's dialects. A URL may name a dialect before its scheme, as in zmtp+tcp://, which is
// removed.
func (e *Endpoint) choose(u transport.URL) (transport.URL, error) {
	names := e.config.Dialects
	for _, d := range e.socket.options.Dialects {
		if rest, ok := urls.Cut(u, d.Name()); ok {
			u, names, e.named = rest, []string{d.Name()}, d.Name()+"+"
			break
		}
	}
	if len(names) == 0 {
		return u, e.chooseSecured(u)
	}
	e.spoken = make([]wire.Dialect, len(names))
	for i, name := range names {
		at := slices.IndexFunc(e.socket.options.Dialects, func(d wire.Dialect) bool { return d.Name() == name })
		if at < 0 {
			return u, fmt.Errorf("%w: Dialects %q: this socket does not speak %s", ErrConfig, names, name)
		}
		e.spoken[i] = e.socket.options.Dialects[at]
	}
	return u, nil
}

// chooseSecured excludes dialects that the socket's security does not cover, so that no peer avoids it by speaking another
// dialect. Users can name such a dialect explicitly.
func (e *Endpoint) chooseSecured(u transport.URL) error {
	security, all := e.socket.options.Security, e.spoken
	if security == nil || u.Scheme == inprocScheme {
		return nil
	}
	e.spoken = nil
	for _, d := range all {
		if d.Secures(security) {
			e.spoken = append(e.spoken, d)
		}
	}
	switch {
	case len(e.spoken) == 0:
		return fmt.Errorf("%w: Security: no dialect of this socket knows %s", ErrConfig, security.Mechanism())
	case !e.listen && e.spoken[0] != all[0]:
		return fmt.Errorf("%w: Security: %s does not cover the dialect %s: dial %s+tcp:// and the like",
			ErrConfig, security.Mechanism(), all[0].Name(), e.spoken[0].Name())
	}
	return nil
}

// register adds the endpoint to its socket.
func (e *Endpoint) register() error {
	s := e.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.reached(socketDraining) {
		return ErrClosed
	}
	s.endpoints[e] = struct{}{}
	return nil
}

// Socket is the endpoint's socket.
func (e *Endpoint) Socket() *Socket { return e.socket }

// Listening reports whether the endpoint listens; otherwise it dials.
func (e *Endpoint) Listening() bool { return e.listen }

// URL is the address, with port 0 and wildcards resolved on a listener.
func (e *Endpoint) URL() string { return e.shown }

// Addr is a listener's bound address, or nil.
func (e *Endpoint) Addr() net.Addr {
	switch {
	case e.listener != nil:
		return e.listener.Addr()
	case e.inproc != nil:
		return inprocAddr(e.url.Address)
	}
	return nil
}

// Pipes returns the endpoint's live pipes.
func (e *Endpoint) Pipes() []*Pipe {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.pipes))
}

// Wait waits until the endpoint has a pipe. It fails when the endpoint ends.
func (e *Endpoint) Wait(ctx context.Context) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	return e.late(e.socket.wait(ctx, func() (bool, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.scope.Context().Err() != nil {
			return false, ErrClosed
		}
		return len(e.pipes) > 0, e.socket.closedLocked()
	}))
}

// Err is why the endpoint ended, or, while it runs, the last thing that went wrong: nil if all is well.
func (e *Endpoint) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// spoke says that the peer of a connection has begun its handshake.
func (e *Endpoint) spoke(p *pendingLink) {
	e.mu.Lock()
	e.unfinished.Heard(&p.entry)
	e.mu.Unlock()
}

func (e *Endpoint) setErr(err error) {
	e.mu.Lock()
	e.err = err
	e.mu.Unlock()
}

// Close ends the endpoint and its pipes. Queued messages of theirs are treated as when a connection breaks.
func (e *Endpoint) Close() error {
	e.stop(ErrClosed)
	e.scope.Join()
	return nil
}

// StopListening closes a listener's address and keeps its pipes. On a dialer it does nothing.
func (e *Endpoint) StopListening() error {
	switch {
	case e.listener != nil:
		return e.listener.Close()
	case e.inproc != nil:
		e.inproc.close()
	}
	return nil
}

// quiesce stops making new connections.
func (e *Endpoint) quiesce() {
	e.mu.Lock()
	e.quiet = true
	idle := len(e.pipes) == 0
	e.mu.Unlock()
	switch {
	case e.listen:
		_ = e.StopListening()
	case idle:
		e.scope.Cancel(ErrClosed)
	}
}

// stop ends everything of the endpoint and does not wait.
func (e *Endpoint) stop(cause error) {
	e.setErr(cause)
	_ = e.StopListening()
	e.scope.Cancel(cause)
	e.mu.Lock()
	unfinished, pipes := slices.Collect(e.unfinished.All()), slices.Collect(maps.Keys(e.pipes))
	e.mu.Unlock()
	for _, p := range unfinished { // a transport's Close may wait, for goroutines of the link
		_ = p.link.Close()
	}
	for _, p := range pipes {
		p.end(cause)
	}
	s := e.socket
	s.mu.Lock()
	delete(s.endpoints, e)
	s.past.endpoint(e)
	s.changed.WakeAll()
	s.mu.Unlock()
}

// abandon ends an endpoint that failed to start, so that the socket keeps nothing of it. e may be nil.
func (e *Endpoint) abandon(cause error) {
	if e != nil {
		e.stop(cause)
		e.scope.Join()
	}
}

func (e *Endpoint) attached(p *Pipe) {
	e.mu.Lock()
	e.pipes[p] = struct{}{}
	e.established++
	e.err = nil
	stopped := e.scope.Context().Err() // stop cancels before it looks for pipes: one of the two sees the other
	e.mu.Unlock()
	if stopped != nil {
		p.end(ErrClosed)
	}
}

// errPeerClosed is a dialer's error between the end of one connection and the next.
var errPeerClosed = fmt.Errorf("the peer closed the connection; it may have stopped, or be a Pair with another peer: %w", io.EOF)

func (e *Endpoint) detached(p *Pipe) {
	e.mu.Lock()
	delete(e.pipes, p)
	e.places--
	switch {
	case e.err != nil:
	case !orderly(p.err):
		e.err = p.err
	case !e.listen && errors.Is(p.err, io.EOF):
		e.err = errPeerClosed
	}
	e.mu.Unlock()
	if isProtocol(p.err) || errors.Is(p.err, ErrBudget) {
		e.countRejected(reasonOf(p.err))
	}
}

// reject counts and reports a connection that failed in its handshake or was refused.
func (e *Endpoint) reject(peer net.Addr, err error) {
	reason := reasonOf(err)
	e.countRejected(reason)
	e.mu.Lock()
	if e.err == nil {
		e.err = err
	}
	e.mu.Unlock()
	e.socket.Emit(Event{Kind: EventReject, Endpoint: e, RemoteAddr: peer, Reason: reason, Err: err})
}
