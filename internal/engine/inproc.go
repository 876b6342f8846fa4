// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

var errNobodyListens = errors.New("nobody in this process listens on that name: listen first, or use Connect, which waits")

func (e *Endpoint) listenInproc() error {
	if err := checkInprocName(e.url.Address); err != nil {
		return err
	}
	l, err := e.socket.options.Network.listen(e.url.Address, e)
	if err != nil {
		return err
	}
	e.inproc, e.shown = l, e.named+e.url.String() // the name as it is, whatever it looks like: a peer is to dial it
	if err := e.register(); err != nil {
		l.close()
		return err
	}
	return nil
}

// connectInproc makes one connection within the process and returns when it is over, and how long it lived.
func (e *Endpoint) connectInproc(ctx context.Context, patient bool) (p *Pipe, lived time.Duration, err error) {
	l, appeared := e.socket.options.Network.find(e.url.Address)
	for l == nil {
		if !patient {
			return nil, 0, wrap("dial", e.URL(), errNobodyListens)
		}
		select {
		case <-appeared:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-e.scope.Done():
			return nil, 0, ErrClosed
		}
		l, appeared = e.socket.options.Network.find(e.url.Address)
	}
	if p, err = e.joinInproc(ctx, l.endpoint); err != nil {
		err = &OpError{Op: "handshake", URL: e.URL(), Peer: inprocAddr(l.name).String(), Err: err, Reason: reasonOf(err)}
		e.reject(inprocAddr(l.name), err)
		l.endpoint.reject(inprocAddr(l.name), err)
		return nil, 0, err
	}
	e.tellFirst(nil)
	up := time.Now()
	<-p.done
	return p, time.Since(up), nil
}

// joinInproc makes two pipes that are each other's peer, and attaches both or none.
func (e *Endpoint) joinInproc(ctx context.Context, l *Endpoint) (*Pipe, error) {
	ctx, cancel := context.WithTimeout(ctx, e.socket.options.HandshakeTimeout)
	defer cancel()
	d, err := e.common(l)
	if err != nil {
		return nil, err
	}
	session, theirSession, err := d.Join(e.wireConfig(), l.wireConfig())
	if err != nil {
		return nil, err
	}
	session.Dialect, theirSession.Dialect = inprocScheme, inprocScheme
	link := &inprocLink{name: e.url.Address}
	p, q := e.newPipe(link, session), l.newPipe(link, theirSession)
	a, b := &inprocCarrier{pipe: p, splitter: session.Splitter}, &inprocCarrier{pipe: q, splitter: theirSession.Splitter}
	a.peer, b.peer = b, a
	p.out.carrier, q.out.carrier = a, b
	if err := l.admit(ctx, q); err != nil {
		q.end(err)
		return nil, err
	}
	if err := e.admit(ctx, p); err != nil {
		p.end(err)
		q.end(fmt.Errorf("%w: %w", ErrRefused, err))
		return nil, err
	}
	q.release()
	p.release()
	return p, nil
}

// common is the dialect whose sockets both ends can be, so that they know what their messages are.
func (e *Endpoint) common(l *Endpoint) (wire.Dialect, error) {
	for _, d := range l.socket.options.Dialects {
		if slices.Contains(e.socket.options.Dialects, d) {
			return d, nil
		}
	}
	return nil, errNothingInCommon
}

var errNothingInCommon = errors.New("the two sockets have no dialect in common")

// An inprocLink stands for the connection of two sockets of the process.
type inprocLink struct{ name string }

func (l *inprocLink) LocalAddr() net.Addr  { return inprocAddr(l.name) }
func (l *inprocLink) RemoteAddr() net.Addr { return inprocAddr(l.name) }
func (l *inprocLink) Info() transport.Info {
	return transport.Info{Properties: transport.Properties{Reliable: true, Ordered: true}}
}
func (l *inprocLink) Close() error { return nil }

var _ transport.Link = (*inprocLink)(nil)

// handAtOnce is about how many bytes are handed to a peer before it is asked whether its budget is exceeded: many senders hand
// theirs at the same time.
const handAtOnce = 64 << 10

// fewMessages is a queue too short for messages to wait in it for others.
const fewMessages = 256

// An inprocCarrier hands messages to the peer's pattern: in the sender's own call while the peer has none, else many at
// a time, by the pipe's writer. What the peer has no room for stays, and goes on when its receiver has made some.
type inprocCarrier struct {
	pipe     *Pipe
	peer     *inprocCarrier
	splitter wire.Splitter // of the messages that arrive here

	queue sendQueue
	told  []wire.Control // control events in flight

	again   atomic.Bool  // the peer has found room since the last attempt
	backlog atomic.Int64 // messages that wait in this end's inboxes
}

func (c *inprocCarrier) put(header, body []byte, m *msg.Message) int {
	return c.queue.put(header, body, m, &c.peer.pipe.origin)
}
func (c *inprocCarrier) pending() int { return c.queue.pending() }
func (c *inprocCarrier) drop() int    { return c.queue.drop() }

func (c *inprocCarrier) take() bool {
	c.told = append(c.told, c.pipe.out.takeControlsLocked()...)
	messages := c.pipe.out.controls.empty() && c.queue.take() // else messages would overtake events that were queued before
	return messages || c.midway()
}

func (c *inprocCarrier) unsent() []msg.Message { return c.queue.unsent() }

// discard is called when this end is over: nothing arrives at the peer any more.
func (c *inprocCarrier) discard() {
	defer c.peer.pipe.silent.Store(true)
	c.queue.discard()
	c.told = nil
}
func (c *inprocCarrier) midway() bool { return len(c.told) > 0 }
func (c *inprocCarrier) direct() bool { return true }

// eager reports whether the peer has nothing to do, or the queue is too short to wait.
func (c *inprocCarrier) eager() bool {
	return c.peer.backlog.Load() == 0 || c.pipe.out.limits.Messages < fewMessages
}

// write hands messages to the peer's pattern until it takes no more. If it does not take all, its receiver calls
// resume when there is room.
func (c *inprocCarrier) write(bool) (messages int, cost int64, err error) {
	if c.again.Load() {
		c.again.Store(false)
	}
	q := c.peer.pipe
	for _, v := range c.told {
		q.control(v)
	}
	c.told = nil
	before := c.queue.flight.weight
	for len(c.queue.flight.run) > 0 && !q.over.Load() && !c.wasted() {
		n := c.fresh()
		if n == 0 {
			c.queue.sent(1)
			q.DropN(DropTTL, 1)
			messages++
			continue
		}
		n = min(n, c.queue.flight.upTo(handAtOnce))
		taken := c.hand(c.queue.flight.run[:n])
		c.queue.left(taken)
		messages += taken
		q.Relieve()
		if taken < n {
			break
		}
	}
	before.subtract(c.queue.flight.weight)
	q.in.bytes.Add(uint64(before.bytes(messages)))
	return messages, before.cost, nil
}

// wasted reports whether the peer, which is closing, would drop what another could have.
func (c *inprocCarrier) wasted() bool {
	s := c.pipe.socket
	return c.peer.pipe.discard.Load() && !s.shutting.Load() && s.pattern.Traits().ReturnsUnsent
}

// hand offers messages to the peer's pattern, as those of its own kind of socket.
func (c *inprocCarrier) hand(run []msg.Message) (taken int) {
	q := c.peer.pipe
	reframe := q.session.Reframe
	if reframe == nil {
		return q.receive(run)
	}
	own := make([]msg.Message, 0, len(run)) // what is not taken stays as it is, for it may have to go elsewhere
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
		q.DropN(DropEnvelope, 1)
		taken = 1
	} else {
		taken = q.receive(own)
		msg.ReleaseAll(own[taken:])
	}
	msg.ReleaseAll(run[:taken])
	return taken
}

// fresh returns how many messages at the front have not come over too many hops.
func (c *inprocCarrier) fresh() int {
	if c.peer.splitter == nil {
		return len(c.queue.flight.run)
	}
	for i := range c.queue.flight.run {
		if h := c.queue.flight.run[i].Header(); len(h) > 0 {
			if _, expired, _ := c.peer.splitter.Split(h); expired {
				return i
			}
		}
	}
	return len(c.queue.flight.run)
}

// stuck reports whether the writer's role should be given up although messages are left: the peer has no room,
// and has not found any since the last attempt. Under the outbox's lock.
func (c *inprocCarrier) stuck() bool { return len(c.queue.flight.run) > 0 && !c.again.Load() }

// resume says that this end's pattern has room again: the peer goes on sending.
func (c *inprocCarrier) resume() {
	c.peer.again.Store(true)
	c.peer.pipe.writeOn()
}

func (c *inprocCarrier) idle()       { c.queue.idle() }
func (c *inprocCarrier) expire()     {}
func (c *inprocCarrier) read() error { return io.EOF } // there is no reader

// confirmed holds always: what was sent is in the peer's queue, and in its figures.
func (c *inprocCarrier) confirmed(bool) bool { return true }

func (c *inprocCarrier) closeWrite() error {
	c.peer.pipe.peerEnded(io.EOF)
	return nil
}

func (c *inprocCarrier) close() error {
	c.peer.pipe.end(io.EOF)
	return nil
}
