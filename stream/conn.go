// SPDX-License-Identifier: MIT

package stream

import (
	"net"
)

// Conn takes the stream and returns it as a connection, which first reads what the stream has read ahead. Its Close closes
// the stream. Deadlines take the place of contexts.
func (b *Bytes) Conn() (net.Conn, error) {
	s, err := b.take()
	if err != nil {
		return nil, err
	}
	if len(s.unread) == 0 {
		return s.conn, nil
	}
	return s.asConn(), nil
}

// asConn returns the stream as a connection for what is above it.
func (s *byteStream) asConn() net.Conn {
	c := &streamConn{Conn: s.conn, s: s}
	if h, ok := s.conn.(halfCloser); ok {
		return &halfConn{c, h}
	}
	return c
}

type halfCloser interface{ CloseWrite() error }

// A streamConn reads what its stream has read ahead, and then the connection.
type streamConn struct {
	net.Conn
	s *byteStream
}

// Read reads ahead if it is asked for little, as a layer asks that must not read beyond its own end.
func (c *streamConn) Read(p []byte) (int, error) {
	if len(c.s.unread) == 0 {
		if len(p) >= readAhead || len(p) == 0 {
			n, err := c.Conn.Read(p)
			c.s.consumed += uint64(n)
			return n, err
		}
		if n, err := c.s.fill(1); n == 0 {
			return 0, err
		}
	}
	n := copy(p, c.s.unread)
	c.s.advance(n)
	return n, nil
}

// NetConn returns the connection below.
func (c *streamConn) NetConn() net.Conn { return c.Conn }

// A halfConn is a streamConn that can end its outgoing direction.
type halfConn struct {
	*streamConn
	halfCloser
}
