// SPDX-License-Identifier: MIT

package fd

import (
	"context"
	"net"
	"sync"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/internal/tcpnet"
)

// listen uses a descriptor. Errors do not name the URL yet.
func listen(u transport.URL, a address, s settings) (transport.Listener, error) {
	n, err := a.number()
	if err != nil {
		return nil, err
	}
	inner, conn, err := listening.take(n, false)
	if err != nil {
		return nil, err
	}
	if conn != nil {
		ctx, cancel := context.WithCancel(context.Background())
		return &single{url: u, link: s.link(conn), ctx: ctx, cancel: cancel}, nil
	}
	return &listener{u, inner, s}, nil
}

// A listener accepts the connections of a descriptor that listens.
type listener struct {
	url      transport.URL
	inner    net.Listener
	settings settings
}

// Accept waits for the next connection.
func (l *listener) Accept() (transport.Link, error) {
	conn, err := l.inner.Accept()
	if err != nil {
		return nil, wrap(l.url, err)
	}
	return l.settings.link(conn), nil
}

// Addr is what the socket is bound to: a *net.TCPAddr or a *net.UnixAddr.
func (l *listener) Addr() net.Addr { return l.inner.Addr() }

// URL is what a peer can dial, by tcp:// or ipc://.
func (l *listener) URL() string {
	switch bound := l.inner.Addr().(type) {
	case *net.TCPAddr:
		return tcpnet.LocalURL("tcp", "tcp", bound)
	case *net.UnixAddr:
		return unixURL(bound.Name)
	}
	return l.url.String()
}

// unixURL is the URL of a Unix socket's name as package net writes it: "@" begins that of an abstract socket.
func unixURL(name string) string {
	if len(name) > 0 && name[0] == '@' {
		return transport.URL{Scheme: "abstract", Address: escape(name[1:])}.String()
	}
	return transport.URL{Scheme: "ipc", Address: name}.String()
}

// escape writes the bytes of an abstract name that a URL needs escaped.
func escape(name string) string {
	const digits = "0123456789ABCDEF"
	var b []byte
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '%' || c == '?' {
			b = append(b, '%', digits[c>>4], digits[c&15])
			continue
		}
		b = append(b, c)
	}
	return string(b)
}

// Close stops accepting. Connections that come until the next listener wait in the descriptor.
func (l *listener) Close() error { return l.inner.Close() }

// A single is a listener of a descriptor that is connected.
type single struct {
	url    transport.URL
	link   transport.Link
	ctx    context.Context // ends with the listener
	cancel context.CancelFunc
	first  sync.Once
}

// Accept returns the connection, and then waits for Close.
func (s *single) Accept() (link transport.Link, err error) {
	s.first.Do(func() { link = s.link })
	if link != nil {
		return link, nil
	}
	<-s.ctx.Done()
	return nil, wrap(s.url, net.ErrClosed)
}

// Addr is the connection's own.
func (s *single) Addr() net.Addr { return s.link.LocalAddr() }

// URL is the one of Listen: no other peer can connect.
func (s *single) URL() string { return s.url.String() }

// Close ends Accept, and closes the connection if Accept has not returned it.
func (s *single) Close() error {
	s.cancel()
	var err error
	s.first.Do(func() { err = s.link.Close() })
	return err
}
