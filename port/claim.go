// SPDX-License-Identifier: MIT

package port

import (
	"errors"
	"fmt"
	"net"
	"slices"
)

// A Listener accepts the connections of a port that are of one claim. It is a [net.Listener], for a server of net/http, for
// ListenOn of a socket, or for any other server. Its methods are safe for concurrent use.
//
// Connections of tcp and ipc are those of the operating system: *net.TCPConn and *net.UnixConn. TLS is a *tls.Conn if ALPN has
// decided, and else a connection with its methods. The first bytes are still to be read.
type Listener struct {
	port     *Port
	protocol Protocol
	ready    chan net.Conn
	done     chan struct{}
	closed   bool // under the port's lock
}

// Claim returns a listener for a protocol. A later claim of the same connections gets those that the earlier ones do not claim. A
// closed port returns a closed listener.
func (p *Port) Claim(protocol Protocol) *Listener {
	protocol.ALPN = slices.Clone(protocol.ALPN)
	protocol.ServerNames = slices.Clone(protocol.ServerNames)
	l := &Listener{port: p, protocol: protocol, ready: make(chan net.Conn, p.config.Backlog), done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		l.closed = true
		close(l.done)
		return l
	}
	p.table.Store(newTable(append(slices.Clone(p.table.Load().claims), l)))
	return l
}

// Accept waits for the next connection. After Close, of the listener or its port, the error is a [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.ended()
	default:
	}
	select {
	case c := <-l.ready:
		l.port.count(func(s *Stats) { s.Waiting--; s.Delivered++ })
		return c, nil
	case <-l.done:
		return nil, l.ended()
	}
}

func (l *Listener) ended() error { return fmt.Errorf("accept at %s: %w", l.port.url, net.ErrClosed) }

// Addr returns the address of the port.
func (l *Listener) Addr() net.Addr { return l.port.Addr() }

// Close gives the claim up and closes the connections that wait for Accept. Further connections go to other claims, or are
// refused. The port and accepted connections stay open. A second Close does nothing.
func (l *Listener) Close() error {
	p := l.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	claims := slices.Clone(p.table.Load().claims)
	p.table.Store(newTable(slices.DeleteFunc(claims, func(other *Listener) bool { return other == l })))
	for {
		select {
		case c := <-l.ready:
			_ = c.Close()
			p.stats.Waiting--
			p.stats.refuse(ReasonClosed)
		default:
			return nil
		}
	}
}

var (
	errFull = errors.New("the listener of this protocol has a full backlog: accept faster, or raise Backlog")
	errGone = errors.New("the listener was closed")
)

// putLocked queues a connection for Accept, under the port's lock.
func (l *Listener) putLocked(c net.Conn) error {
	if l.closed {
		return errGone
	}
	select {
	case l.ready <- c:
		l.port.stats.Waiting++
		return nil
	default:
		return errFull
	}
}
