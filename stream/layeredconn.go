// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// A layeredConn is the connection of a socket with layers that need a handshake: HandshakeContext attaches them. Until then
// nothing can be read or written.
type layeredConn struct {
	base   net.Conn
	stack  *stack
	top    atomic.Pointer[net.Conn] // nil before the handshake
	closed atomic.Bool
}

func newLayeredConn(base net.Conn, s *stack) *layeredConn { return &layeredConn{base: base, stack: s} }

var errNoHandshake = errors.New("the layers are not attached yet")

// HandshakeContext attaches the layers. It is called before anything is read or written. A later call does nothing, as with TLS: a
// WebSocket that moves to the listener of its path comes here again.
func (c *layeredConn) HandshakeContext(ctx context.Context) error {
	if c.top.Load() != nil {
		return nil
	}
	b, err := c.stack.attach(ctx, c.base)
	if err != nil {
		return err
	}
	top, err := b.Conn()
	if err != nil {
		return err
	}
	c.top.Store(&top)
	if c.closed.Load() {
		return errors.Join(net.ErrClosed, top.Close())
	}
	return nil
}

// upper is the topmost connection, or the base before the handshake.
func (c *layeredConn) upper() net.Conn {
	if top := c.top.Load(); top != nil {
		return *top
	}
	return c.base
}

func (c *layeredConn) Read(p []byte) (int, error) {
	if top := c.top.Load(); top != nil {
		return (*top).Read(p)
	}
	return 0, errNoHandshake
}

func (c *layeredConn) Write(p []byte) (int, error) {
	if top := c.top.Load(); top != nil {
		return (*top).Write(p)
	}
	return 0, errNoHandshake
}

// CloseWrite ends the outgoing direction of every layer, and of the connection below them.
func (c *layeredConn) CloseWrite() error {
	top := c.top.Load()
	if top == nil {
		return errNoHandshake
	}
	if err := closeWrite(*top); err != nil || !c.stack.has("tls") {
		return err
	}
	return closeWrite(c.base) // TLS ends its own direction only
}

// Close ends the connection at once. During a handshake, it makes the handshake fail.
func (c *layeredConn) Close() error {
	c.closed.Store(true)
	return c.upper().Close()
}

// ConnectionState returns the state of the topmost TLS. It is the zero value without TLS, and before the handshake.
func (c *layeredConn) ConnectionState() tls.ConnectionState {
	if state := tlsState(c.upper()); state != nil {
		return *state
	}
	return tls.ConnectionState{}
}

func (c *layeredConn) NetConn() net.Conn                   { return c.base }
func (c *layeredConn) LocalAddr() net.Addr                 { return c.base.LocalAddr() }
func (c *layeredConn) RemoteAddr() net.Addr                { return c.base.RemoteAddr() }
func (c *layeredConn) SetDeadline(at time.Time) error      { return c.upper().SetDeadline(at) }
func (c *layeredConn) SetReadDeadline(at time.Time) error  { return c.upper().SetReadDeadline(at) }
func (c *layeredConn) SetWriteDeadline(at time.Time) error { return c.upper().SetWriteDeadline(at) }

// tlsState returns the state of the topmost TLS of a connection over others, or nil.
func tlsState(c net.Conn) *tls.ConnectionState {
	for {
		if t, ok := c.(interface{ ConnectionState() tls.ConnectionState }); ok {
			state := t.ConnectionState()
			return &state
		}
		over, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = over.NetConn()
	}
}
