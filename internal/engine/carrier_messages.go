// SPDX-License-Identifier: MIT

package engine

import (
	"runtime"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

const (
	// readAtOnce is how many messages are read from a message link at a time.
	readAtOnce = 64

	// readFirst is how many it is until as many have come, so that an idle link takes little memory.
	readFirst = 4
)

// roomFor returns room for the next messages of a link, after it has filled n elements of bodies.
func roomFor(bodies [][]byte, n int) [][]byte {
	switch {
	case bodies == nil:
		return make([][]byte, readFirst)
	case n == readFirst && len(bodies) == readFirst:
		return make([][]byte, readAtOnce)
	}
	return bodies
}

// A messageCarrier carries messages over a link that moves them whole.
type messageCarrier struct {
	link     transport.Messages
	pipe     *Pipe
	splitter wire.Splitter

	queue *sendqueue.Messages
	ps    []transport.Packet

	batch msg.Batch // of received messages; see streamReader
	slab  int
	span  int

	signs
}

// carryMessages gives a pipe its link.
func (p *Pipe) carryMessages(link transport.Messages) *messageCarrier {
	c := &messageCarrier{link: link, pipe: p, splitter: p.session.Splitter, queue: sendqueue.NewMessages(nil)}
	p.out.carrier, p.out.queue = c, c.queue
	return c
}

func (c *messageCarrier) write(bool) (messages int, cost int64, err error) {
	c.ps = c.ps[:0]
	run, size := c.queue.Flight(), uint64(0)
	for i := range run {
		m := &run[i]
		c.ps = append(c.ps, transport.Packet{Header: m.Header(), Body: m.Bytes()})
	}
	c.writing.Store(true)
	messages, err = c.link.WriteMessages(c.ps)
	c.writing.Store(false)
	for i := range c.ps[:messages] {
		size += uint64(len(c.ps[i].Header) + len(c.ps[i].Body))
	}
	c.pipe.out.written.Add(size)
	clear(c.ps)
	return messages, c.queue.Sent(messages).Cost, linkError(err)
}

func (c *messageCarrier) direct() bool   { return false }
func (c *messageCarrier) eager(int) bool { return false }
func (c *messageCarrier) stuck() bool    { return false }

func (c *messageCarrier) closeWrite() error         { return c.link.CloseWrite() }
func (c *messageCarrier) confirmed(ended bool) bool { return ended }
func (c *messageCarrier) close() error              { return c.link.Close() }

func (c *messageCarrier) expire() { c.pipe.closeSoon() }

// closeSoon closes a link without deadlines after the time that the reader of a broken link is given.
func (p *Pipe) closeSoon() {
	p.scope.AfterFunc(drainTime, func() { _ = p.link.Close() })
}

func (c *messageCarrier) resume() { c.room.ring() }

func (c *messageCarrier) read() error {
	bodies := roomFor(nil, 0)
	land := landing{from: &c.pipe.origin, held: c.pipe.account.NewMeter()}
	defer land.held.Set(0)
	alloc := land.alloc // made once, so that a read does not allocate
	ahead := 0          // bytes read since the receiver was let run
	c.pipe.startHeartbeat(&c.signs)
	for {
		n, err := c.link.ReadMessages(bodies, alloc)
		for _, body := range bodies[:n] {
			ahead += len(body)
		}
		derr := c.deliver(bodies[:n], &land)
		clear(bodies[:n])
		if land.next(); n < readAtOnce || derr != nil || err != nil { // the next read may wait
			land.leave()
			c.pipe.settle()
		}
		bodies = roomFor(bodies, n)
		if n > 0 { // an end takes no memory, and must not cost another pipe its queue
			c.pipe.Relieve()
		}
		if derr != nil {
			return derr
		}
		if err != nil {
			return linkError(err)
		}
		if ahead >= yieldAfter { // see streamReader
			ahead = 0
			runtime.Gosched()
		}
	}
}

// deliver hands the messages of one read to the pattern. It fails if the pipe is to end.
func (c *messageCarrier) deliver(bodies [][]byte, land *landing) (err error) {
	p := c.pipe
	if len(bodies) > 0 && !c.fed.Load() {
		c.fed.Store(true)
	}
	for i, data := range bodies {
		if c.batch.Full() || c.span >= buf.MaxChunk {
			if err := c.flush(); err != nil {
				return err
			}
			c.slab = msg.NextSlab(c.slab, len(data))
			c.batch.Msgs, c.span = msg.NewSlab(c.slab), 0
		}
		c.span += len(data)
		p.in.bytes.Add(uint64(len(data)))
		if limit := p.socket.options.MaxMessageSize; limit > 0 && int64(len(data)) > limit {
			err = wire.Errorf(reasons.Oversize, "peer sent a message of %d bytes and at most %d are allowed: raise MaxMessageSize or send less",
				len(data), limit)
			break
		}
		head, expired := 0, false
		if c.splitter != nil {
			if head, expired, err = c.splitter.Split(data); err != nil {
				break
			}
		}
		if expired {
			p.DropN(reasons.TTL, 1)
			continue
		}
		c.batch.Chunk = land.chunks[i]
		c.batch.Chunk.Retain(1)
		c.batch.Add(data, head)
	}
	if ferr := c.flush(); ferr != nil {
		return ferr
	}
	return err
}

// flush delivers the messages of the batch.
func (c *messageCarrier) flush() error {
	run := c.batch.Next()
	if len(run) == 0 {
		return nil
	}
	_, err := c.pipe.deliver(run, &c.room)
	return err
}

// landingSize is how much memory the messages of one read share, unless one is larger.
const landingSize = 16 << 10

// A landing is the memory that the messages of one read lie in, and of the next reads if those do not wait. A link that nothing
// comes from has none.
type landing struct {
	from   *msg.Origin
	chunks []*buf.Chunk // of each message of a read
	open   *buf.Chunk   // the last one, which the next message may have room in
	used   int          // bytes of it
	held   budget.Meter // of it, if it grows
}

// alloc returns memory for the next message, or more for the last one.
func (l *landing) alloc(have []byte, size int) []byte {
	if have != nil {
		return l.grow(have, size)
	}
	if c := l.open; c == nil || size > len(c.Data)-l.used {
		if last := len(l.chunks) - 1; c != nil && (last < 0 || l.chunks[last] != c) {
			c.Release(1) // of an earlier read
		}
		l.open = buf.NewChunk(max(size, landingSize))
		l.open.From, l.used = l.from, 0
	}
	l.chunks = append(l.chunks, l.open)
	l.used += size
	return l.open.Data[l.used-size : l.used : l.used]
}

// grow moves the last message to a chunk of its own. Other pipes are shed for it if the budget is used up, or this one: its
// link is then closed.
func (l *landing) grow(have []byte, size int) []byte {
	l.held.Grow(int64(size))
	c := buf.NewChunk(size)
	c.From, l.used = l.from, len(c.Data)
	copy(c.Data, have)
	last := len(l.chunks) - 1
	if old := l.chunks[last]; last == 0 || l.chunks[last-1] != old {
		old.Release(1)
	}
	l.chunks[last], l.open = c, c
	return c.Data[:size:size]
}

// next leaves all memory to the messages of a read but that of the last one, which may have room for more.
func (l *landing) next() {
	for i, c := range l.chunks {
		if c != l.open && (i == 0 || c != l.chunks[i-1]) {
			c.Release(1)
		}
	}
	clear(l.chunks)
	l.chunks = l.chunks[:0]
}

// leave leaves the rest to the messages.
func (l *landing) leave() {
	if l.open != nil {
		l.open.Release(1)
		l.open = nil
	}
	l.held.Set(0)
}
