// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"net"

	"github.com/sprymq/spry/transport"
)

// Listener returns l as a listener of package net, such as http.Serve takes. It accepts the same streams, and its Close closes
// l.
func (l *Listener) Listener() net.Listener { return connListener{l} }

type connListener struct{ l *Listener }

func (c connListener) Accept() (net.Conn, error) {
	b, err := c.l.Accept(context.Background())
	if err != nil {
		return nil, err
	}
	return b.Conn()
}

func (c connListener) Addr() net.Addr { return c.l.Addr() }
func (c connListener) Close() error   { return c.l.Close() }

// A netListener is a listener of package net as one of a transport.
type netListener struct{ net.Listener }

func (l netListener) Accept() (transport.Link, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &transport.Stream{Conn: conn}, nil
}

func (l netListener) URL() string {
	return transport.URL{Scheme: l.Addr().Network(), Address: l.Addr().String()}.String()
}
