// SPDX-License-Identifier: MIT

package simnet

import (
	"net"
	"os"
	"time"
)

// A Conn is one end of a stream: a net.Conn with working deadlines, half-close by CloseWrite, and a bounded
// window in each direction. All methods may be called at the same time.
type Conn struct {
	end
	readDeadline  time.Time
	writeDeadline time.Time
	writing       bool // one Write at a time: their bytes must not mix
}

var _ net.Conn = (*Conn)(nil)

// Read waits for bytes to arrive.
func (c *Conn) Read(p []byte) (int, error) {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		now := time.Now()
		if c.closed {
			return 0, c.opError("read", net.ErrClosed)
		}
		if expired(c.readDeadline, now) {
			return 0, c.opError("read", os.ErrDeadlineExceeded)
		}
		if len(p) == 0 {
			return 0, nil
		}
		if n := c.in.read(now, p); n > 0 {
			l.enforceLocked(c.in)
			l.changed.raise()
			return n, nil
		}
		if err := c.in.readErr(now); err != nil {
			return 0, c.opError("read", err)
		}
		l.waitLocked(nil, earliest(c.readDeadline, c.in.nextRead()))
	}
}

// Write waits until the window has taken all of p. Taken does not mean that the peer will read it.
func (c *Conn) Write(p []byte) (n int, err error) {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := false
	defer func() {
		if mine {
			c.writing = false
			l.changed.raise()
		}
	}()
	for {
		now := time.Now()
		if err := c.writeErrLocked(now); err != nil {
			return n, c.opError("write", err)
		}
		if expired(c.writeDeadline, now) {
			return n, c.opError("write", os.ErrDeadlineExceeded)
		}
		if mine || !c.writing {
			mine, c.writing = true, true
			if took := c.out.write(now, p[n:]); took > 0 {
				n += took
				l.answerLocked(c.out)
				l.changed.raise()
			}
			if n == len(p) {
				return n, nil
			}
		}
		l.waitLocked(nil, earliest(c.writeDeadline, c.nextWriteLocked()))
	}
}

// SetDeadline sets the deadlines of reading and of writing; blocked calls take notice.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(t, &c.readDeadline, &c.writeDeadline)
}

// SetReadDeadline sets the deadline of reading.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.readDeadline) }

// SetWriteDeadline sets the deadline of writing.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.writeDeadline) }

func (c *Conn) setDeadlines(t time.Time, which ...*time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	for _, d := range which {
		*d = t
	}
	c.link.changed.raise()
	return nil
}

// Progress reports what a kernel knows about a TCP connection. queued bytes have not arrived at the peer, and unread ones
// have arrived here. owed says that the peer's machine owes an acknowledgement, and quiet for how long it has sent none.
// Bytes are acknowledged when they arrive.
func (c *Conn) Progress() (queued, unread int, owed bool, quiet time.Duration) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	now := time.Now()
	queued, last := c.out.progress(now)
	underway, _ := c.in.progress(now)
	return queued, c.in.size - underway, queued > 0, now.Sub(last)
}

func expired(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
