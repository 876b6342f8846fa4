// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

const (
	// inlineAfter is how long a socket must have been quiet for a sender to write by itself. A sender that
	// always did would make one system call a message, and one that asked its pipe alone would, with many pipes.
	// inlineEach is added for each message to be written: a program takes longer than inlineAfter to prepare a batch, and
	// while it sends one batch after the other, the socket is not quiet.
	inlineAfter = 5 * time.Microsecond
	inlineEach  = time.Microsecond

	// largeWrite and largeBody are the bytes of a write, and of its messages on average, from which a larger send buffer
	// gains. With small messages, data would have left the processor's cache when the peer reads it.
	largeWrite = 64 << 10
	largeBody  = 8 << 10

	// drainTime is how long the reader of a connection continues after a write error.
	drainTime = time.Second
)

// epoch is what times of writes count from. Time since then costs half of what time.Now does.
var epoch = time.Now()

// A streamCarrier carries messages over a stream of bytes, framed by a dialect.
type streamCarrier struct {
	link      *transport.Stream
	pipe      *Pipe
	queue     sendqueue.ByteQueue
	decoder   wire.Decoder
	unblocked *rawconn.Writer // nil before its first use, and if the connection cannot be written without blocking

	vec, vecBase net.Buffers
	sized        bool // the send buffer is as large as it will be; with the writer's role

	signs

	heard atomic.Int32 // kinds of data received since the last write

	expired atomic.Bool // the reader has a deadline
	closed  atomic.Bool // this end has ended its direction, before the peer has
	first   *buf.Chunk  // the chunk of the handshake
	early   [2]int      // begin and end of the bytes in it that are not consumed
}

// carryStream gives a pipe its link. The handshake has read too much: the bytes of first between begin and end.
func (p *Pipe) carryStream(link *transport.Stream, first *buf.Chunk, begin, end int) *streamCarrier {
	c := &streamCarrier{link: link, pipe: p, decoder: p.session.Decoder, first: first, early: [2]int{begin, end}}
	if p.session.Sealed {
		c.queue = sendqueue.NewSealed(p.session)
	} else {
		c.queue = sendqueue.NewFrames(p.session)
	}
	p.out.carrier, p.out.queue = c, c.queue
	return c
}

func (c *streamCarrier) direct() bool {
	if c.unblocked == nil {
		c.unblocked = rawconn.NewWriter(c.link.Conn) // not before: who only receives saves 120 bytes
	}
	return c.unblocked != nil
}

// Kinds of data received from a peer.
const (
	heardNothing int32 = iota
	heardFew           // messages that are answered at once
	heardMany          // messages with one read, whose answers are written together; see BenchmarkCallers
)

// manyAtOnce is how many messages come with one read where they come many at a time.
const manyAtOnce = 8

func (c *streamCarrier) eager(queued int) bool {
	if !c.direct() {
		return false
	}
	switch c.heard.Load() {
	case heardFew:
		return true
	case heardMany:
		return false
	}
	quiet := time.Since(epoch) - time.Duration(c.pipe.socket.lastWrite.Load())
	return quiet > inlineAfter+time.Duration(queued)*inlineEach
}

func (c *streamCarrier) write(wait bool) (messages int, cost int64, err error) {
	var n, size int64
	c.vecBase, size = c.queue.Buffers(c.vecBase[:0])
	c.vec = c.vecBase // which a write changes
	if wait {
		n, err = c.writeAll(size)
	} else {
		n, err = c.unblocked.Write(c.vec)
	}
	clear(c.vecBase)
	c.heard.CompareAndSwap(heardFew, heardNothing)
	c.pipe.socket.lastWrite.Store(int64(time.Since(epoch)))
	c.pipe.out.written.Add(uint64(n))
	messages, cost = c.queue.Written(n)
	if !c.sized && n >= largeWrite && n >= largeBody*int64(messages) {
		c.enlarge()
	}
	return messages, cost, err
}

// enlarge gives a connection within this machine a larger send buffer, once, unless the application chose one, or made the
// connection itself.
func (c *streamCarrier) enlarge() {
	c.sized = true
	if e := c.pipe.endpoint; e.config.WriteBuffer == 0 && e.url.Scheme != "" {
		rawconn.EnlargeLocal(c.link.Info().Conn)
	}
}

// writeAll writes all of size bytes, and waits for the peer to read if it has to.
func (c *streamCarrier) writeAll(size int64) (n int64, err error) {
	c.writing.Store(true)
	defer c.writing.Store(false)
	if len(c.vec) == 1 {
		var k int
		k, err = c.link.Write(c.vec[0])
		n = int64(k)
	} else {
		n, err = c.vec.WriteTo(c.link.Conn)
	}
	if err == nil && n < size {
		err = io.ErrShortWrite // against the rules of io.Writer; later frames would be misread
	}
	return n, err
}

func (c *streamCarrier) stuck() bool { return false }

func (c *streamCarrier) closeWrite() error {
	info := c.link.Info()
	c.closed.Store(info.HalfCloses && !rawconn.EndReceived(info.Conn))
	return c.link.CloseWrite()
}

// confirmed is true if the peer's end came after this end's, with everything acknowledged. If a process ends with unread
// input, its kernel sends a reset instead.
func (c *streamCarrier) confirmed(ended bool) bool {
	return ended && c.closed.Load() && rawconn.ProgressOf(c.link.Info().Conn).Queued == 0
}

func (c *streamCarrier) expire() {
	c.expired.Store(true)
	_ = c.link.SetReadDeadline(time.Now().Add(drainTime))
}

func (c *streamCarrier) close() error { return c.link.Close() }

func (c *streamCarrier) resume() { c.room.ring() }
