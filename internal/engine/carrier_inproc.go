// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"sync/atomic"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
)

// offerAtOnce is about how many bytes are delivered to a peer before its budget is checked, because many senders deliver at
// the same time.
const offerAtOnce = 64 << 10

// fewMessages is a queue too short for messages to wait in it for others.
const fewMessages = 256

// An inprocCarrier delivers messages to the peer's pattern: in the sender's own call while the peer's queue is empty,
// otherwise many at a time, by the pipe's writer. Messages for which the peer has no room stay queued until its receiver has
// made room.
type inprocCarrier struct {
	pipe     *Pipe
	peer     *inprocCarrier
	splitter wire.Splitter // of the messages that arrive here

	queue *sendqueue.Messages

	again   atomic.Bool  // the peer has found room since the last attempt
	backlog atomic.Int64 // messages that wait in this end's inboxes
}

// carryInproc makes two pipes each other's peer.
func carryInproc(p, q *Pipe) {
	a := &inprocCarrier{pipe: p, splitter: p.session.Splitter, queue: sendqueue.NewMessages(&q.origin)}
	b := &inprocCarrier{pipe: q, splitter: q.session.Splitter, queue: sendqueue.NewMessages(&p.origin)}
	a.peer, b.peer = b, a
	p.out.carrier, p.out.queue = a, a.queue
	q.out.carrier, q.out.queue = b, b.queue
}

func (c *inprocCarrier) direct() bool { return true }

// eager reports whether the peer has nothing to do, or the queue is too short to wait.
func (c *inprocCarrier) eager(int) bool {
	return c.peer.backlog.Load() == 0 || c.pipe.out.limits.Messages < fewMessages
}

// write hands messages to the peer's pattern until it takes no more. If it does not take all, its receiver calls
// resume when there is room.
func (c *inprocCarrier) write(bool) (messages int, cost int64, err error) {
	if c.again.Load() {
		c.again.Store(false)
	}
	q := c.peer.pipe
	for _, v := range c.queue.Controls() {
		q.control(v)
	}
	var gone sendqueue.Weight
	for len(c.queue.Flight()) > 0 && !q.over() && !c.wasted() {
		n := c.fresh()
		if n == 0 {
			gone.Add(c.queue.Sent(1))
			q.DropN(reasons.TTL, 1)
			messages++
			continue
		}
		run := c.queue.FlightOf(offerAtOnce, n)
		taken := c.offer(run)
		gone.Add(c.queue.Passed(taken))
		messages += taken
		q.Relieve()
		if taken < len(run) {
			break
		}
	}
	moved := uint64(gone.Bytes(messages))
	c.pipe.out.written.Add(moved)
	q.in.bytes.Add(moved)
	return messages, gone.Cost, nil
}

// wasted reports whether the peer, which is closing, would drop what another could have.
func (c *inprocCarrier) wasted() bool {
	s := c.pipe.socket
	return c.peer.pipe.socket.closing() && !s.closing() && s.pattern.Traits().ReturnsUnsent
}

// offer offers messages to the peer's pattern, as those of its own kind of socket.
func (c *inprocCarrier) offer(run []msg.Message) (taken int) {
	q := c.peer.pipe
	reframe := q.session.Reframe
	if reframe == nil {
		refused, _ := q.deliver(run, nil)
		return len(run) - len(refused)
	}
	own := make([]msg.Message, 0, len(run)) // refused messages stay unchanged, because they may go to another pipe
	for i := range run {
		own = own[:i+1]
		run[i].CloneInto(&own[i])
		if !reframe(&own[i]) {
			own[i].Release()
			own = own[:i]
			break
		}
	}
	if len(own) == 0 {
		q.DropN(reasons.Envelope, 1)
		taken = 1
	} else {
		refused, _ := q.deliver(own, nil)
		msg.ReleaseAll(refused)
		taken = len(own) - len(refused)
	}
	msg.ReleaseAll(run[:taken])
	return taken
}

// fresh returns how many messages at the front have not come over too many hops.
func (c *inprocCarrier) fresh() int {
	run := c.queue.Flight()
	if c.peer.splitter == nil {
		return len(run)
	}
	for i := range run {
		if h := run[i].Header(); len(h) > 0 {
			if _, expired, _ := c.peer.splitter.Split(h); expired {
				return i
			}
		}
	}
	return len(run)
}

// stuck reports whether the writer's role should be given up although messages are left: the peer has no room,
// and has not found any since the last attempt. Under the outbox's lock.
func (c *inprocCarrier) stuck() bool { return len(c.queue.Flight()) > 0 && !c.again.Load() }

// resume reports that this end's pattern has room again: the peer continues sending.
func (c *inprocCarrier) resume() {
	c.peer.again.Store(true)
	c.peer.pipe.writeOn()
}

func (c *inprocCarrier) expire()     {}
func (c *inprocCarrier) read() error { return io.EOF } // there is no reader

// confirmed is always true: sent messages are in the peer's queue, and in its counters.
func (c *inprocCarrier) confirmed(bool) bool { return true }

func (c *inprocCarrier) closeWrite() error {
	c.peer.pipe.peerEnded(io.EOF)
	return nil
}

func (c *inprocCarrier) close() error {
	c.peer.pipe.end(io.EOF)
	return nil
}
