// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// Listen starts a listening endpoint.
func (s *Socket) Listen(ctx context.Context, url string, c EndpointConfig) (*Endpoint, error) {
	if err := scope.Ended(ctx); err != nil {
		return nil, wrap("listen", url, err)
	}
	e, err := s.endpointAt(true, url, c)
	if err == nil {
		err = e.bind(scope.OrBackground(ctx))
	}
	return e.listening(url, err)
}

// ListenOn starts a listening endpoint on a listener that belongs to the endpoint from now on.
func (s *Socket) ListenOn(l transport.Listener, c EndpointConfig) (*Endpoint, error) {
	e, err := s.newEndpoint(true, transport.URL{}, l.URL(), c)
	if err == nil {
		err = e.serve(l)
	}
	return e.listening(l.URL(), err)
}

// listening returns the endpoint of a started listener, or its error.
func (e *Endpoint) listening(url string, err error) (*Endpoint, error) {
	if err != nil {
		e.abandon(err)
		return nil, wrap("listen", url, err)
	}
	e.socket.Emit(Event{Kind: EventListening, Endpoint: e})
	return e, nil
}

// bind listens at the endpoint's URL.
func (e *Endpoint) bind(ctx context.Context) error {
	if e.url.Scheme == inprocScheme {
		return e.listenInproc()
	}
	t, err := e.socket.transport(e.url.Scheme)
	if err != nil {
		return err
	}
	l, err := t.Listen(ctx, e.url, e.config.Listen)
	if err != nil {
		return err
	}
	return e.serve(l)
}

func (e *Endpoint) serve(l transport.Listener) error {
	e.listener, e.shown = l, e.named+l.URL()
	if err := e.register(); err != nil {
		return err
	}
	return e.scope.Go(e.acceptLoop)
}

const (
	minAcceptPause = 10 * time.Millisecond
	maxAcceptPause = time.Second
)

// acceptLoop only accepts: each connection's handshake runs by itself. Errors pass: running out of file
// descriptors must not end a listener, nor make it spin.
func (e *Endpoint) acceptLoop() {
	pause := time.Duration(0)
	for {
		var link transport.Link
		err := e.socket.Guard("Accept", func() (err error) { // of a listener that may be the user's
			link, err = e.listener.Accept()
			return err
		})
		switch {
		case err == nil:
			pause = 0
			if e.turnAway(link) {
				continue
			}
			if e.scope.Go(func() { e.serveLink(link) }) != nil {
				_ = link.Close()
			}
		case errors.Is(err, net.ErrClosed):
			return
		default:
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			err = wrap("accept", e.URL(), err)
			e.setErr(err)
			e.socket.Emit(Event{Kind: EventAcceptFailed, Endpoint: e, Err: err, Wait: pause})
			if !e.scope.Sleep(pause) {
				return
			}
		}
	}
}

func (e *Endpoint) serveLink(link transport.Link) {
	p, err := e.establish(e.scope.Context(), link)
	if err != nil {
		return
	}
	if e.scope.Go(p.run) != nil { // a goroutine of its own: the handshake has made the stack of this one large
		p.run()
	}
}

// Attach makes a pipe of a link that exists already, and returns when its handshake is done. The pipe's
// endpoint is made for it and ends with it.
func (s *Socket) Attach(ctx context.Context, link transport.Link, listening bool, c EndpointConfig) (*Pipe, error) {
	ctx = scope.OrBackground(ctx)
	shown := "attached://" + addrString(link.RemoteAddr())
	e, err := s.newEndpoint(listening, transport.URL{}, shown, c)
	var p *Pipe
	if err == nil {
		p, err = e.attachLink(ctx, link)
	}
	if err != nil {
		e.abandon(err)
		_ = link.Close()
		return nil, wrap("attach", shown, err)
	}
	return p, nil
}

func (e *Endpoint) attachLink(ctx context.Context, link transport.Link) (p *Pipe, err error) {
	if err := e.register(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	gone := e.scope.Go(func() {
		p, err = e.establish(ctx, link)
		close(done)
		if err == nil {
			p.run()
			e.stop(p.err)
		}
	})
	if gone != nil {
		return nil, ErrClosed
	}
	<-done
	return p, err
}
