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
	e, err := s.listen(scope.OrBackground(ctx), url, c)
	if err != nil {
		return nil, wrap("listen", url, err)
	}
	s.emit(Event{Kind: EventListening, Endpoint: e})
	return e, nil
}

func (s *Socket) listen(ctx context.Context, url string, c EndpointConfig) (*Endpoint, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	e := s.newEndpoint(true, u.String(), c)
	if u, err = e.choose(u); err != nil {
		return nil, err
	}
	e.url = u
	if u.Scheme == inprocScheme {
		return e, e.listenInproc()
	}
	t, err := s.transport(u.Scheme)
	if err != nil {
		return nil, err
	}
	l, err := t.Listen(ctx, u, c.Listen)
	if err != nil {
		return nil, err
	}
	return e, e.serve(l)
}

// Serve starts a listening endpoint on a listener that belongs to the endpoint from now on.
func (s *Socket) Serve(l transport.Listener, c EndpointConfig) (*Endpoint, error) {
	e := s.newEndpoint(true, l.URL(), c)
	err := s.broken
	if err == nil {
		_, err = e.choose(transport.URL{})
	}
	if err == nil {
		err = e.serve(l)
	}
	if err != nil {
		return nil, wrap("listen", l.URL(), err)
	}
	s.emit(Event{Kind: EventListening, Endpoint: e})
	return e, nil
}

func (e *Endpoint) serve(l transport.Listener) error {
	e.listener, e.shown = l, e.named+l.URL()
	err := e.register()
	if err == nil {
		err = e.scope.Go(e.acceptLoop)
	}
	if err != nil {
		_ = l.Close()
	}
	return err
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
		err := e.socket.guard("Accept", func() (err error) { // of a listener that may be the user's
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
			e.socket.emit(Event{Kind: EventAcceptFailed, Endpoint: e, Err: err, Wait: pause})
			if !sleep(e.scope, pause) {
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
	e := s.newEndpoint(listening, shown, c)
	_, err := e.choose(transport.URL{})
	var p *Pipe
	if err == nil {
		p, err = e.attachLink(ctx, link)
	}
	if err != nil {
		_ = link.Close()
		e.stop(err)
		e.scope.Join()
		return nil, wrap("attach", shown, err)
	}
	return p, nil
}

func (e *Endpoint) attachLink(ctx context.Context, link transport.Link) (p *Pipe, err error) {
	if err := e.socket.broken; err != nil {
		return nil, err
	}
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
