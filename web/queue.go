// SPDX-License-Identifier: MIT

package web

import (
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

// A queue is the listener of a handler: it has the links that are to be accepted, and knows those that live.
type queue struct {
	mu      lock.Mutex[lock.WebQueue]
	changed *sync.Cond
	waiting []*link
	live    map[*link]struct{}
	servers map[*http.Server]struct{} // which report their shutdown
	closed  bool
}

func newQueue() *queue {
	q := &queue{live: make(map[*link]struct{}), servers: make(map[*http.Server]struct{})}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// A link is one that the queue knows until it is closed.
type link struct {
	transport.Pinger
	queue  *queue
	server *http.Server
}

// Close ends the link.
func (l *link) Close() error {
	l.queue.forget(l)
	return l.Pinger.Close()
}

func (q *queue) forget(l *link) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.live, l)
}

// put queues a link for Accept. server may be nil.
func (q *queue) put(m transport.Pinger, server *http.Server) bool {
	l := &link{Pinger: m, queue: q, server: server}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if _, known := q.servers[server]; !known && server != nil {
		q.servers[server] = struct{}{}
		server.RegisterOnShutdown(func() { q.shutdown(server) })
	}
	q.live[l] = struct{}{}
	q.waiting = append(q.waiting, l)
	q.changed.Signal()
	return true
}

// shutdown tells the peers of a server's links to go away.
func (q *queue) shutdown(server *http.Server) {
	q.mu.Lock()
	var gone []*link
	for l := range q.live {
		if l.server == server {
			gone = append(gone, l)
		}
	}
	delete(q.servers, server)
	q.mu.Unlock()
	for _, l := range gone {
		if g, ok := l.Pinger.(interface{ GoAway() }); ok {
			g.GoAway()
		}
	}
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// Accept implements [transport.Listener].
func (q *queue) Accept() (transport.Link, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.changed.Wait()
	}
	if q.closed {
		return nil, fmt.Errorf("%s: %w", q.URL(), net.ErrClosed)
	}
	l := q.waiting[0]
	q.waiting = q.waiting[1:]
	return l, nil
}

// Addr implements [transport.Listener].
func (q *queue) Addr() net.Addr { return address{} }

// URL implements [transport.Listener].
func (q *queue) URL() string { return "web://handler" }

// Close implements [transport.Listener].
func (q *queue) Close() error {
	q.mu.Lock()
	waiting := q.waiting
	q.waiting, q.closed = nil, true
	q.changed.Broadcast()
	q.mu.Unlock()
	for _, l := range waiting {
		_ = l.Close()
	}
	return nil
}

// An address is that of a handler.
type address struct{}

func (address) Network() string { return "web" }
func (address) String() string  { return "handler" }
