// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"time"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A framedConn is a stream of bytes whose frames are the messages of a link. One goroutine reads and one writes, at the same
// time. Deadlines have no effect: only Close interrupts a call.
type framedConn struct {
	link    transport.Messages
	dialect wire.Framed

	messages [][]byte // read
	next     int      // of messages, to be put into the stream
	count    int      // of messages
	land     landing  // that they lie in
	heads    []byte   // the head of the message that is being put into the stream
	head     []byte   // the rest of its head, and of its body
	body     []byte
	err      error // after the messages

	part    []byte             // the beginning of a frame, which was not written as a whole
	packets []transport.Packet // to be written
	firsts  []byte             // of packets
	ends    []int              // of packets, in the bytes to be written
}

func newFramedConn(link transport.Messages, d wire.Framed) *framedConn {
	return &framedConn{link: link, dialect: d}
}

// Read implements [net.Conn].
func (c *framedConn) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(c.head)+len(c.body) == 0 {
			if n > 0 && c.next == c.count {
				return n, nil
			}
			if err := c.advance(); err != nil {
				return n, err
			}
		}
		k := copy(p[n:], c.head)
		c.head, n = c.head[k:], n+k
		k = copy(p[n:], c.body)
		c.body, n = c.body[k:], n+k
	}
	return n, nil
}

// advance makes the next message the one that is put into the stream.
func (c *framedConn) advance() (err error) {
	for c.next == c.count {
		if c.err != nil {
			return c.err
		}
		c.messages = roomFor(c.messages, c.count)
		clear(c.messages)
		c.land.leave() // what was read was taken
		c.next = 0
		c.count, c.err = c.link.ReadMessages(c.messages, c.land.alloc)
		c.err = linkError(c.err)
	}
	c.heads, c.body, err = c.dialect.Frame(c.heads[:0], c.messages[c.next])
	if err != nil {
		c.next, c.count, c.err = 0, 0, err
		return err
	}
	c.head = c.heads
	c.next++
	return nil
}

// Write implements [net.Conn]. A frame that is not whole yet is kept until it is. After an error, n ends with the last frame that
// left as a whole.
func (c *framedConn) Write(p []byte) (n int, err error) {
	c.packets, c.firsts, c.ends = c.packets[:0], c.firsts[:0], c.ends[:0]
	kept, rest := len(c.part), p
	for len(c.part) > 0 && len(rest) > 0 { // one frame, by pieces: its head first
		_, _, size, need := c.dialect.Cut(c.part)
		if size > 0 {
			break
		}
		k := min(need-len(c.part), len(rest))
		c.part, rest = append(c.part, rest[:k]...), rest[k:]
	}
	whole := 0
	if len(c.part) > 0 {
		whole = c.cut(c.part, -kept)
	}
	if whole == len(c.part) {
		for len(rest) > 0 {
			k := c.cut(rest, len(p)-len(rest))
			if k == 0 {
				break
			}
			rest = rest[k:]
		}
	}
	if sent, err := c.send(); err != nil {
		if c.part = c.part[:kept]; sent > 0 {
			c.part, n = c.part[:0], c.ends[sent-1]
		}
		return n, err
	}
	if whole > 0 {
		c.part = nil
	}
	c.part = append(c.part, rest...)
	return len(p), nil
}

// cut adds the first frame of b to the packets, and returns its length, or 0 if it is not whole. b begins at offset at of the bytes
// to be written.
func (c *framedConn) cut(b []byte, at int) int {
	first, body, n, _ := c.dialect.Cut(b)
	if n > 0 {
		c.firsts = append(c.firsts, first)
		c.packets = append(c.packets, transport.Packet{Body: body})
		c.ends = append(c.ends, at+n)
	}
	return n
}

// send writes the packets, and returns how many have left as a whole.
func (c *framedConn) send() (sent int, err error) {
	for i := range c.packets {
		c.packets[i].Header = c.firsts[i : i+1 : i+1]
	}
	defer clear(c.packets)
	for sent < len(c.packets) && err == nil {
		var k int
		k, err = c.link.WriteMessages(c.packets[sent:])
		sent += k
	}
	return sent, linkError(err)
}

// CloseWrite ends the outgoing direction.
func (c *framedConn) CloseWrite() error { return c.link.CloseWrite() }

// Close implements [net.Conn].
func (c *framedConn) Close() error { return c.link.Close() }

// LocalAddr implements [net.Conn].
func (c *framedConn) LocalAddr() net.Addr { return c.link.LocalAddr() }

// RemoteAddr implements [net.Conn].
func (c *framedConn) RemoteAddr() net.Addr { return c.link.RemoteAddr() }

// SetDeadline implements [net.Conn].
func (c *framedConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements [net.Conn].
func (c *framedConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements [net.Conn].
func (c *framedConn) SetWriteDeadline(time.Time) error { return nil }

// A framedCarrier carries messages over the stream of a framedConn.
type framedCarrier struct {
	*streamCarrier
	conn *framedConn
}

// carryFramed gives the pipe of a carrier that of its link. The memory of a message that arrives is charged to the pipe.
func (c *streamCarrier) carryFramed(conn *framedConn) {
	conn.land.held = c.pipe.account.NewMeter()
	c.pipe.out.carrier = framedCarrier{c, conn}
}

func (c framedCarrier) read() error {
	defer c.conn.land.leave()
	return c.streamCarrier.read()
}

func (c framedCarrier) expire() {
	c.expired.Store(true)
	c.pipe.closeSoon() // the link has no deadlines
}
