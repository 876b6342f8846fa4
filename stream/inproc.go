// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

// inproc is the transport of streams within the process. Its addresses are names.
type inproc struct{}

// inprocNames are the names of the process.
var inprocNames struct {
	mu        lock.Mutex[lock.StreamNames]
	listeners map[string]*inprocListener
}

// inprocBacklog is how many connections wait for Accept.
const inprocBacklog = 128

func (inproc) Schemes() []string { return []string{"inproc"} }

func (inproc) Dialer(u transport.URL, _ transport.DialOptions) (transport.Dialer, error) {
	return inprocDialer{u}, checkInproc(u)
}

func checkInproc(u transport.URL) error {
	if u.Address == "" {
		return fmt.Errorf("%s: %w: the name is empty; write it like inproc://feed", u, transport.ErrURL)
	}
	return nil
}

type inprocDialer struct{ url transport.URL }

// Dial fails at once if there is no such listener, and waits while its backlog is full.
func (d inprocDialer) Dial(ctx context.Context) (transport.Link, error) {
	inprocNames.mu.Lock()
	l := inprocNames.listeners[d.url.Address]
	inprocNames.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("%s: %w", d.url, syscall.ECONNREFUSED)
	}
	near, far := newPipe()
	select {
	case l.waiting <- far:
		return &transport.Stream{Conn: near}, nil
	case <-l.closed:
		return nil, fmt.Errorf("%s: %w", d.url, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", d.url, ctx.Err())
	}
}

func (inproc) Listen(_ context.Context, u transport.URL, _ transport.ListenOptions) (transport.Listener, error) {
	if err := checkInproc(u); err != nil {
		return nil, err
	}
	l := &inprocListener{url: u, waiting: make(chan net.Conn, inprocBacklog), closed: make(chan struct{})}
	inprocNames.mu.Lock()
	defer inprocNames.mu.Unlock()
	if inprocNames.listeners[u.Address] != nil {
		return nil, fmt.Errorf("%s: %w", u, syscall.EADDRINUSE)
	}
	if inprocNames.listeners == nil {
		inprocNames.listeners = make(map[string]*inprocListener)
	}
	inprocNames.listeners[u.Address] = l
	return l, nil
}

type inprocListener struct {
	url     transport.URL
	waiting chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *inprocListener) Accept() (transport.Link, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case conn := <-l.waiting:
		return &transport.Stream{Conn: conn}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *inprocListener) Addr() net.Addr { return pipeAddr{} }
func (l *inprocListener) URL() string    { return l.url.String() }

// Close frees the name and closes the connections that were not accepted.
func (l *inprocListener) Close() error {
	l.once.Do(func() {
		inprocNames.mu.Lock()
		delete(inprocNames.listeners, l.url.Address)
		inprocNames.mu.Unlock()
		close(l.closed)
	})
	for {
		select {
		case conn := <-l.waiting:
			_ = conn.Close()
		default:
			return nil
		}
	}
}
