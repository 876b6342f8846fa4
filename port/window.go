// SPDX-License-Identifier: MIT

package port

import (
	"crypto/tls"
	"net"

	"github.com/sprymq/spry/internal/rawconn"
)

// firstRead is how many bytes are looked at first: enough for almost every protocol.
const firstRead = 32

// A window looks at the first bytes of a connection. On the operating system's connections they stay where they are.
type window struct {
	conn   net.Conn
	secure *tls.Conn       // conn, if that is TLS
	peeker *rawconn.Peeker // nil if bytes can only be read
	buf    []byte
	n      int
}

func newWindow(c net.Conn) *window { return &window{conn: c, peeker: rawconn.NewPeeker(c)} }

// first are the bytes that are known.
func (w *window) first() []byte { return w.buf[:w.n] }

// more waits for at least one further byte.
func (w *window) more() (err error) {
	if w.n == len(w.buf) {
		grown := make([]byte, min(max(firstRead, 4*len(w.buf)), MaxFirst))
		copy(grown, w.buf)
		w.buf = grown
	}
	if w.peeker != nil {
		n, err := w.peeker.Peek(w.buf, w.n)
		w.n = max(w.n, n)
		return err
	}
	n, err := w.conn.Read(w.buf[w.n:])
	if w.n += n; n > 0 {
		return nil
	}
	return err
}

// whole returns the connection with its first bytes still to be read.
func (w *window) whole() net.Conn {
	switch {
	case w.peeker != nil || w.n == 0:
		return w.conn
	case w.secure != nil:
		return &secureConn{w.secure, w.first()}
	}
	c := &readConn{w.conn, w.first()}
	if half, ok := w.conn.(halfCloser); ok {
		return &halfConn{c, half}
	}
	return c
}

// A readConn first reads bytes that were read before.
type readConn struct {
	net.Conn
	unread []byte
}

// Read implements [net.Conn].
func (c *readConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return take(p, &c.unread), nil
	}
	return c.Conn.Read(p)
}

// NetConn returns the connection below.
func (c *readConn) NetConn() net.Conn { return c.Conn }

type halfCloser interface{ CloseWrite() error }

// A halfConn is a readConn that can end its outgoing direction.
type halfConn struct {
	*readConn
	halfCloser
}

// A secureConn is a readConn of TLS.
type secureConn struct {
	*tls.Conn
	unread []byte
}

// Read implements [net.Conn].
func (c *secureConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return take(p, &c.unread), nil
	}
	return c.Conn.Read(p)
}

// take copies unread bytes, and lets go of their memory when there are no more.
func take(p []byte, unread *[]byte) int {
	n := copy(p, *unread)
	if *unread = (*unread)[n:]; len(*unread) == 0 {
		*unread = nil
	}
	return n
}
