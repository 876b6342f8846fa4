// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

const (
	// inlineAfter is how long a socket must have been quiet for a sender to write by itself. A sender that
	// always did would make one system call a message, and one that asked its pipe alone would, with many pipes.
	inlineAfter = 5 * time.Microsecond

	// drainTime is how long the reader of a connection that cannot be written any more goes on.
	drainTime = time.Second
)

// epoch is what times of writes count from. Time since then costs half of what time.Now does.
var epoch = time.Now()

// A streamCarrier carries messages over a stream of bytes, framed by a dialect.
type streamCarrier struct {
	conn      net.Conn
	pipe      *Pipe
	framing   wire.Framing
	decoder   wire.Decoder
	unblocked *directWriter // nil before it is asked for, and where the connection cannot be written without blocking

	pend, flight *encoded  // nil while there is nothing to write
	tail         chunkTail // of what was pending before
	partial      int       // bytes of the first frame in flight that are written
	prefix       []byte    // control events that are written before it
	vec, vecBase net.Buffers

	writing atomic.Bool // a write waits for the peer to read, or may

	heard atomic.Int32 // what was received since the last write

	expired atomic.Bool // the reader has a deadline
	closed  atomic.Bool // this end has ended its direction, before the peer has
	alive   atomic.Bool // something was received since the last heartbeat
	fed     atomic.Bool // more than a control event was
	room    roomBell
	first   *buf.Chunk // what the handshake read into
	early   [2]int     // begin and end of the bytes in it that are not consumed
}

func newStreamCarrier(p *Pipe, conn net.Conn, s *wire.Session, first *buf.Chunk, begin, end int) *streamCarrier {
	return &streamCarrier{
		conn: conn, pipe: p, framing: s.Framing, decoder: s.Decoder,
		first: first, early: [2]int{begin, end},
	}
}

func (c *streamCarrier) put(header, body []byte, m *msg.Message) int {
	if c.pend == nil {
		c.begin(newEncoded())
	}
	return c.pend.put(c.framing, header, body, m)
}

// begin makes e, which is empty, what is pending. It goes on with the chunk that the last one was at, so that what a write took
// of that counts as used.
func (c *streamCarrier) begin(e *encoded) {
	c.pend = e
	if e != nil {
		e.tail = c.tail
	}
}

// putShared is put of the message of a log.
func (c *streamCarrier) putShared(l *FrameLog) int {
	if c.pend == nil {
		c.begin(newEncoded())
	}
	return c.pend.putShared(l.frame(c.framing))
}

func (c *streamCarrier) pending() int { return c.pend.len() }

func (c *streamCarrier) drop() int { return c.pend.drop() }

func (c *streamCarrier) take() bool {
	if c.flight.len() == 0 && len(c.prefix) == 0 { // else what is in flight may be sealed, and what comes later belongs behind it
		c.takeControlsLocked()
		if c.pend.len() > 0 && c.pipe.out.controls.empty() { // else messages would overtake events that were queued before
			last := c.flight
			c.flight, c.partial = c.pend, 0
			c.tail = c.flight.tail.rest()
			c.begin(last)
		}
	}
	return c.flight.len() > 0 || c.midway()
}

// takeControlsLocked encodes control events. A peer may not understand some of them, of which nothing is left then.
func (c *streamCarrier) takeControlsLocked() {
	for o := &c.pipe.out; len(c.prefix) == 0 && !o.controls.empty(); {
		for _, event := range o.takeControlsLocked() {
			if commander, ok := c.framing.(wire.Commander); ok {
				c.prefix = commander.AppendControl(c.prefix, event)
			}
		}
	}
}

func (c *streamCarrier) midway() bool { return len(c.prefix) > 0 }

func (c *streamCarrier) unsent() []msg.Message {
	return append(c.flight.messages(c.framing), c.pend.messages(c.framing)...)
}

func (c *streamCarrier) discard() {
	c.flight.free()
	c.pend.free()
	c.flight, c.pend, c.prefix = nil, nil, nil
}

func (c *streamCarrier) direct() bool {
	if c.unblocked == nil {
		c.unblocked = newDirectWriter(c.conn) // not before: who only receives saves 120 bytes
	}
	return c.unblocked != nil
}

// What was heard from a peer.
const (
	heardNothing int32 = iota
	heardFew           // messages that are answered at once
	heardMany          // messages with one read, whose answers go together: a call of 64 at a time costs a tenth less
)

// manyAtOnce is how many messages come with one read where they come many at a time.
const manyAtOnce = 8

func (c *streamCarrier) eager() bool {
	if !c.direct() {
		return false
	}
	switch c.heard.Load() {
	case heardFew:
		return true
	case heardMany:
		return false
	}
	return time.Since(epoch)-time.Duration(c.pipe.socket.lastWrite.Load()) > inlineAfter
}

func (c *streamCarrier) write(wait bool) (messages int, cost int64, err error) {
	var size, all int64
	c.vec = c.vecBase[:0]
	if len(c.prefix) > 0 {
		c.vec = append(c.vec, c.prefix)
	}
	if c.flight.len() > 0 {
		size, all = c.flight.size, c.flight.cost()
		c.vec = c.flight.buffers(c.vec, c.partial)
	}
	whole := int64(len(c.prefix)) + size - int64(c.partial)
	c.vecBase = c.vec
	var n int64
	if wait {
		c.writing.Store(true)
		defer c.writing.Store(false)
	}
	switch {
	case !wait:
		n, err = c.unblocked.write(c.vec)
	case len(c.vec) == 1:
		var k int
		k, err = c.conn.Write(c.vec[0])
		n = int64(k)
	default:
		n, err = c.vec.WriteTo(c.conn)
	}
	if wait && err == nil && n < whole {
		err = io.ErrShortWrite // not as io.Writer says; what comes next would be out of step
	}
	clear(c.vecBase)
	c.heard.CompareAndSwap(heardFew, heardNothing)
	c.pipe.socket.lastWrite.Store(int64(time.Since(epoch)))
	n -= c.writtenPrefix(n)
	if c.flight.len() == 0 {
		return 0, 0, err
	}
	if n == size-int64(c.partial) && c.flight.first == 0 {
		messages = c.flight.len()
		c.flight.reset()
		c.partial = 0
		return messages, all, err
	}
	messages, c.partial = c.flight.written(n, c.partial)
	return messages, all - c.flight.cost(), err
}

// writtenPrefix takes off the prefix what was written of it, of n bytes that were written, and returns how much that is.
func (c *streamCarrier) writtenPrefix(n int64) int64 {
	k := min(n, int64(len(c.prefix)))
	if c.prefix = c.prefix[k:]; len(c.prefix) == 0 {
		c.prefix = nil
	}
	return k
}

func (c *streamCarrier) stuck() bool { return false }

func (c *streamCarrier) idle() {
	if c.flight.len() > 0 || c.pend.len() > 0 {
		return // the link broke, and what nobody took goes back to the pattern
	}
	c.discard()
}

func (c *streamCarrier) closeWrite() error {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		c.closed.Store(!endReceived(transport.Innermost(c.conn)))
		return half.CloseWrite()
	}
	return c.conn.Close()
}

// confirmed holds if the peer's end came after this end's, with everything acknowledged. A kernel whose process ends or dies
// with unread input says so by a reset instead.
func (c *streamCarrier) confirmed(ended bool) bool {
	return ended && c.closed.Load() && progressOf(c.conn).queued == 0
}

func (c *streamCarrier) expire() {
	c.expired.Store(true)
	_ = c.conn.SetReadDeadline(time.Now().Add(drainTime))
}
func (c *streamCarrier) close() error { return c.conn.Close() }

func (c *streamCarrier) resume() { c.room.ring() }
