// SPDX-License-Identifier: MIT

// Package web joins sockets to the HTTP servers of a program, by WebSocket.
//
// A socket is a handler, at any path of any server:
//
//	mux.Handle("/jobs", web.Handler(pull, nil))
//	mux.Handle("/feed", authenticated(web.Handler(pub, nil)))
//
// What stands before the handler decides who gets there: authentication is the application's own. Peers dial the handler with
// the transport of package ws:
//
//	push.Dial(ctx, "wss://example.com/jobs")
//
// [Accept] makes a pipe of one request, for programs that want to choose the socket themselves.
//
// # Ends
//
// When the socket is closed or drained, the handler answers 503, and the server goes on. The pipes of the handler end as
// those of a listener do: a drain delivers their messages first.
//
// When the server shuts down, [http.Server.Shutdown], the handler tells the peers of its pipes to go away. Their pipes end as
// soon as they have answered, and dialers of package ws redial. The socket and its other endpoints continue. Shutdown does not
// wait for the pipes; close or drain the socket after it.
package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// A Socket is any socket of packages spry and zmq.
type Socket interface {
	ListenOnLinks(l transport.Listener, c *spry.ListenConfig) (*spry.Endpoint, error)
	AttachLink(ctx context.Context, l transport.Link, c *spry.AttachConfig) (*spry.Pipe, error)
}

// Options are the settings of a handler. The zero value has the defaults.
type Options struct {
	// Origins are the origins whose web pages may connect, as in [ws.Transport]. Defaults to the page's own host.
	Origins []string

	// Dialects that peers may speak: "sp", "zmtp". Defaults to those of the socket. The subprotocol of a request chooses.
	Dialects []string

	// Format is "text" or "json": what is spoken with peers whose requests name neither a subprotocol nor a format, as in
	// [ws.Transport].
	Format string
}

func (o *Options) transport() ws.Transport {
	if o == nil {
		return ws.Transport{}
	}
	return ws.Transport{Origins: slices.Clone(o.Origins), Format: o.Format}
}

func (o *Options) dialects() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.Dialects)
}

// Handler returns a handler that makes a pipe of the socket of each request for a WebSocket. It is a listening endpoint of
// the socket, whose URL begins with web://, and ends with it. o may be nil.
//
// A request without an upgrade is answered with 426, and one from a web page of another origin with 403. One that asks for a
// subprotocol that the socket does not speak gets 400. After the socket's end, every request gets 503. If the options of the socket
// or of the handler are invalid, every request gets 500, which says why.
func Handler(s Socket, o *Options) http.Handler {
	h := &handler{transport: o.transport(), queue: newQueue()}
	if _, err := s.ListenOnLinks(h.queue, &spry.ListenConfig{Dialects: o.dialects()}); err != nil {
		_ = h.queue.Close()
		if !errors.Is(err, spry.ErrClosed) {
			h.invalid = err
		}
	}
	return h
}

type handler struct {
	transport ws.Transport
	queue     *queue
	invalid   error // why there is no endpoint
}

// ServeHTTP upgrades a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.invalid != nil:
		http.Error(w, h.invalid.Error(), http.StatusInternalServerError)
		return
	case h.queue.isClosed():
		unavailable(w)
		return
	}
	link, err := ws.Upgrade(h.transport, w, r)
	if err != nil {
		return // it is answered
	}
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !h.queue.put(link, server) {
		_ = link.Close()
	}
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the socket behind this path has ended", http.StatusServiceUnavailable)
}

// Accept makes a pipe of one request, and returns after the handshake. A request that is refused is answered, and the error
// says why. The application must not use w any more. The pipe has an endpoint of its own, as that of an Attach, and ends
// with the socket; Shutdown of the server does not end it. o may be nil.
func Accept(s Socket, w http.ResponseWriter, r *http.Request, o *Options) (*spry.Pipe, error) {
	link, err := ws.Upgrade(o.transport(), w, r)
	if err != nil {
		return nil, err
	}
	p, err := s.AttachLink(context.WithoutCancel(r.Context()), link, &spry.AttachConfig{Listening: true, Dialects: o.dialects()})
	if errors.Is(err, spry.ErrClosed) {
		_ = link.Close()
	}
	return p, err
}

// Request is the request that a pipe began with, at both ends of a WebSocket: with its headers, cookies and TLS, and at the
// listening end with the values of its context. It is nil for pipes of other transports. It must not be changed.
func Request(p *spry.Pipe) *http.Request {
	r, _ := p.Request().(*http.Request)
	return r
}
