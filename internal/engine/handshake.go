// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/unfinished"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A pendingLink is one connection within its handshake.
type pendingLink struct {
	link    transport.Link
	cancel  func() // the user may be asked about it, and take long
	evicted atomic.Bool
	entry   unfinished.Entry[*pendingLink] // under the endpoint's lock

	accepted bool // the endpoint closes it when it stops, and no other context than the endpoint's bounds its handshake
}

// sourceOf returns the source of a link.
func sourceOf(link transport.Link) unfinished.Source {
	return unfinished.SourceOf(link.RemoteAddr(), link.Info().Creds)
}

// establish does the handshake on a new link and attaches the pipe to the socket. On error the link is closed and the
// failure counted. ctx bounds the handshake in addition to the socket's own limit.
func (e *Endpoint) establish(ctx context.Context, link transport.Link) (*Pipe, error) {
	accepted := e.listen && ctx == e.scope.Context()
	ctx, cancel := context.WithTimeout(ctx, e.socket.options.HandshakeTimeout)
	defer cancel()
	pending := &pendingLink{link: link, cancel: cancel, accepted: accepted}
	pending.entry.Value, pending.entry.From = pending, sourceOf(link)
	e.mu.Lock()
	evicted := e.unfinished.Add(&pending.entry, e.socket.options.MaxHandshakes)
	e.mu.Unlock()
	if evicted != nil {
		evict := evicted.Value
		evict.evicted.Store(true)
		evict.cancel()
		_ = evict.link.Close()
	}
	if e.scope.Context().Err() != nil { // stop may have run before the link was entered
		_ = link.Close()
	}
	var p *Pipe
	err := e.socket.Guard("handshake", func() (err error) { // TLS may ask callbacks of the user
		p, err = e.handshake(ctx, pending)
		return err
	})
	if err == nil {
		err = e.admit(ctx, p)
	}
	e.mu.Lock()
	e.unfinished.Remove(&pending.entry)
	e.mu.Unlock()
	if err == nil {
		return p, nil
	}
	if errors.Is(err, transport.ErrMoved) {
		return nil, err
	}
	_ = link.Close()
	if p != nil {
		p.end(err) // else the endpoint's scope would remember that of a refused pipe
	}
	switch {
	case pending.evicted.Load():
		err = wire.Errorf(reasons.Evicted, "more than %d handshakes are unfinished, and this one made room: its address had the most, and of those it was silent for the longest", e.socket.options.MaxHandshakes)
	case e.scope.Context().Err() != nil:
		return nil, ErrClosed
	}
	err = &OpError{Op: "handshake", URL: e.URL(), Peer: addrString(link.RemoteAddr()), Err: err, Reason: reasonOf(err)}
	e.reject(link.RemoteAddr(), err)
	return nil, err
}

// admit asks the user's Authorize, then the pattern.
func (e *Endpoint) admit(ctx context.Context, p *Pipe) error {
	if err := e.authorize(ctx, p); err != nil {
		return err
	}
	if err := e.takePlace(); err != nil {
		return err
	}
	err := e.socket.attach(p)
	if err != nil {
		e.leavePlace()
	}
	return err
}

func (e *Endpoint) handshake(ctx context.Context, pending *pendingLink) (*Pipe, error) {
	switch l := pending.link.(type) {
	case *transport.Stream:
		return e.streamHandshake(ctx, l, pending)
	case transport.Messages:
		return e.messageHandshake(ctx, l, pending)
	}
	return nil, fmt.Errorf("transport %s made a %T, which is neither a *transport.Stream nor a transport.Messages", e.url.Scheme, pending.link)
}

func (e *Endpoint) wireConfig() wire.Config {
	o, t := e.socket.options, e.socket.pattern.Traits()
	return wire.Config{
		Hello: t.Hello, Alternatives: t.Alternatives, Listening: e.listen,
		MaxMessage: o.MaxMessageSize, TTL: o.TTL,
		Previous: e.session.Load(),
		Security: o.Security, Identity: o.Identity, Metadata: o.Metadata,
	}
}

// checkPromises refuses a link that lacks a property that the pattern needs.
func (e *Endpoint) checkPromises(p transport.Properties) error {
	t := e.socket.pattern.Traits()
	switch {
	case t.Reliable && !p.Reliable:
		return fmt.Errorf("%w: a %s socket needs a link that loses nothing, and this one may lose messages: use another transport", ErrRefused, t.Hello.Name)
	case t.Ordered && !p.Ordered:
		return fmt.Errorf("%w: a %s socket needs a link that keeps messages in order, and this one may not: use another transport", ErrRefused, t.Hello.Name)
	}
	return nil
}

func (e *Endpoint) streamHandshake(ctx context.Context, s *transport.Stream, pending *pendingLink) (*Pipe, error) {
	deadline, _ := ctx.Deadline()
	stop := e.watch(ctx, s, pending)
	defer stop()
	if err := s.SetDeadline(deadline); err != nil {
		if ctx.Err() != nil { // closed for that reason
			err = ctx.Err()
		}
		return nil, handshakeError(err, "")
	}
	info := s.Info()
	if err := rawconn.SetBuffers(info.Conn, e.config.ReadBuffer, e.config.WriteBuffer); err != nil {
		return nil, handshakeError(err, "")
	}
	if h, ok := s.Conn.(transport.Handshaker); ok {
		if err := h.HandshakeContext(ctx); err != nil {
			return nil, securityError(ctx, e.listen, err)
		}
		e.spoke(pending)
	}
	c := e.wireConfig()
	c.Framing = info.Framing
	carrier, err := e.speak(ctx, &streamHandshake{endpoint: e, pending: pending, link: s, config: c, dialects: e.spoken}, stop)
	if err != nil {
		return nil, err
	}
	return carrier.pipe, nil
}

// speak does the handshake of a dialect on a stream, and returns the carrier of a new pipe. stop ends the watch over ctx, which
// closes the stream.
func (e *Endpoint) speak(ctx context.Context, h *streamHandshake, stop func() bool) (*streamCarrier, error) {
	s := h.link
	h.ctx, h.chunk = ctx, buf.NewChunk(buf.MinChunk)
	session, err := h.run()
	if err != nil {
		_ = s.Close() // which also ends a write that the peer does not read
	}
	if werr := h.joinWrite(); err == nil {
		err = werr
	}
	if err != nil {
		switch {
		case isProtocol(err):
		case ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded): // the connection's deadline, which is that of ctx, was faster
			err = context.DeadlineExceeded
		}
		return nil, handshakeError(err, h.suspicion())
	}
	if !stop() {
		return nil, handshakeError(ctx.Err(), "")
	}
	if err := s.SetDeadline(time.Time{}); err != nil {
		return nil, handshakeError(err, "")
	}
	if session.Stateless {
		e.session.Store(session)
	}
	return e.newPipe(h.pending.link, session).carryStream(s, h.chunk, h.start, h.end), nil
}

// watch closes a link when ctx ends, unless stop is called before, which reports that.
//
// Of most accepted connections, nothing need be watched: their deadline ends a read, and the endpoint closes those that it has
// when it stops. That leaves a callback of the user, which may take longer than the handshake may.
func (e *Endpoint) watch(ctx context.Context, s *transport.Stream, pending *pendingLink) (stop func() bool) {
	if _, kernel := s.Conn.(syscall.Conn); kernel && pending.accepted && e.socket.options.Security == nil {
		return func() bool { return ctx.Err() == nil }
	}
	return scope.Watch(ctx, func() { _ = s.Close() })
}

// A streamHandshake finds out the peer's dialect and does the handshake in it.
type streamHandshake struct {
	ctx      context.Context
	endpoint *Endpoint
	pending  *pendingLink
	link     *transport.Stream
	config   wire.Config
	dialects []wire.Dialect // that the peer may speak; a dialing end uses the first
	chunk    *buf.Chunk
	start    int // first byte that is not consumed
	end      int // first byte that is not read
	writing  chan error
	shake    wire.Handshake // nil until the dialect is known
	spoken   bool           // the peer has, in the bytes of a dialect
}

func (h *streamHandshake) run() (*wire.Session, error) {
	if !h.config.Listening || h.config.Carried {
		h.shake = h.dialects[0].Handshake(h.config)
	}
	for {
		if h.shake == nil && h.end > 0 {
			d, err := h.match()
			if err != nil {
				return nil, err
			}
			if !h.spoken {
				h.spoken = true
				h.endpoint.spoke(h.pending)
			}
			if d != nil {
				h.shake = d.Handshake(h.config)
			}
		}
		if h.shake != nil {
			session, err := h.step(h.shake)
			if err != nil { // the peer gets this end's protocol, so that it can report the mismatch
				_ = h.link.SetWriteDeadline(time.Now().Add(drainTime))
				_ = h.joinWrite()
			}
			if session != nil || err != nil {
				return session, err
			}
		}
		if h.end == len(h.chunk.Data) { // the unconsumed rest begins a piece that is longer than the chunk
			h.end = copy(h.chunk.Data, h.chunk.Data[h.start:h.end])
			h.start = 0
		}
		n, err := h.link.Read(h.chunk.Data[h.end:])
		h.end += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// step passes received bytes to the handshake, and answers its questions.
func (h *streamHandshake) step(shake wire.Handshake) (*wire.Session, error) {
	for {
		n, out, session, err := shake.Step(h.chunk.Data[h.start:h.end])
		h.start += n
		if werr := h.write(out); err == nil && werr != nil {
			err = werr
		}
		asker, ok := shake.(wire.Asker)
		if session != nil || err != nil || !ok || asker.Question() == nil {
			return session, err
		}
		asker.Answer(h.endpoint.authenticate(h.ctx, asker.Question(), h.link))
	}
}

// match returns the dialect that the peer's first bytes belong to, or nil while that is open.
func (h *streamHandshake) match() (wire.Dialect, error) {
	seen, undecided := h.chunk.Data[h.start:h.end], false
	for _, d := range h.dialects {
		yes, more := d.Match(seen)
		if yes {
			return d, nil
		}
		undecided = undecided || more
	}
	if undecided {
		return nil, nil
	}
	// No dialect knows these bytes: the first one says so best.
	_, _, _, err := h.dialects[0].Handshake(h.config).Step(seen)
	if err == nil {
		err = wire.Errorf(reasons.BadHeader, "peer's first bytes % x belong to no dialect that is allowed here", seen[:min(len(seen), 8)])
	}
	return nil, err
}

// write sends bytes of the handshake. A kernel's socket takes them at once. Other connections may block until the peer
// reads, while the peer's own write waits for this end: for them, reading continues meanwhile.
func (h *streamHandshake) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if _, ok := h.link.Conn.(syscall.Conn); ok {
		_, err := h.link.Write(out)
		return err
	}
	if err := h.joinWrite(); err != nil {
		return err
	}
	out = slices.Clone(out)
	done := make(chan error, 1)
	err := h.endpoint.scope.Go(func() {
		_, err := h.link.Write(out)
		done <- err
	})
	if err == nil { // otherwise the endpoint is closing, and no goroutine writes
		h.writing = done
	}
	return err
}

// joinWrite waits for a running write.
func (h *streamHandshake) joinWrite() error {
	if h.writing == nil {
		return nil
	}
	err := <-h.writing
	h.writing = nil
	return err
}
