// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

// batchTurn is how many messages of a batch go to one pipe before the next one's turn.
const batchTurn = 64

// manyPipes is from how many pipes on they share a writer. Fewer have one each, and write in parallel. Of many, each gets a message
// now and then: it would start a goroutine and make a system call for every one.
const manyPipes = 256

// A balancer sends each message to one of several pipes: in turn, or to the one with the shortest queue. Pipes without room
// are left out until they report room: where all are full, asking each of them for every message would cost more than sending
// does. If no pipe has room, or there is none, the sender blocks.
//
// Messages that an ended pipe returned are sent before any new one. Returned messages that no pipe can carry wait separately
// for a pipe that can, and delay no others.
type balancer struct {
	sender
	leastLoaded bool
	single      bool                        // there is no more than one pipe
	conflate    bool                        // the newest message replaces waiting ones, so that there is always room
	header      func(p *engine.Pipe) []byte // nil = none; only of a single pipe

	roster   // pipes that were found full are left out
	returned []msg.Message
	stranded []msg.Message               // given back, and nothing that a pipe of those there are can carry
	bytes    int64                       // the cost of the messages of both
	meter    budget.Meter                // of these
	only     atomic.Pointer[engine.Pipe] // the pipe that senders may use without asking; nil if they must ask
}

// reroutes reports whether returned messages go to another pipe. With conflate, or a single peer, they do not.
func (b *balancer) reroutes() bool { return !b.conflate && !b.single }

// chooseLocked finds out whether senders have to ask, after anything has changed.
func (b *balancer) chooseLocked() {
	var only *engine.Pipe
	if b.pipes.len() == 1 && len(b.returned) == 0 && b.err == nil && !b.conflate {
		only = b.pipes.list[0]
	}
	old := b.only.Swap(only)
	if old == only {
		return
	}
	if old != nil {
		old.SetDirect(false)
	}
	if only != nil {
		only.SetDirect(true)
	}
}

func (b *balancer) add(p *engine.Pipe) error {
	b.mu.Lock()
	if b.single && b.pipes.len() > 0 {
		defer b.mu.Unlock()
		return engine.ErrBusy
	}
	if b.bytes == 0 {
		b.meter = p.Socket().NewMeter() // the balancer is made before the socket is
	}
	b.roster.add(p)
	if b.pipes.len() == manyPipes {
		p.Socket().ShareWriter()
	}
	b.returned, b.stranded = append(b.stranded, b.returned...), nil
	b.chooseLocked()
	b.mu.Unlock()
	b.writable(p)
	return nil
}

func (b *balancer) remove(p *engine.Pipe, unsent []msg.Message) {
	b.mu.Lock()
	b.roster.remove(p)
	b.giveBackLocked(unsent)
	b.chooseLocked()
	b.mu.Unlock()
	b.sendReturned(p.Socket())
}

// giveBackLocked takes messages that a dead pipe has not sent. They are charged to the socket until another one has them.
func (b *balancer) giveBackLocked(unsent []msg.Message) {
	for i := range unsent {
		b.bytes += int64(unsent[i].Cost())
	}
	b.meter.Set(b.bytes)
	b.returned = append(b.returned, unsent...)
}

// writable is called when a pipe that was full has room.
func (b *balancer) writable(p *engine.Pipe) {
	b.mu.Lock()
	b.comeBack(p)
	b.mu.Unlock()
	b.sendReturned(p.Socket())
}

// sendReturned sends returned messages, as far as there is room, and then wakes senders.
func (b *balancer) sendReturned(s *engine.Socket) {
	for again := false; ; again = true {
		b.mu.Lock()
		if len(b.returned) == 0 {
			b.returned = nil
			b.chooseLocked()
			b.waiters.WakeAll()
			b.mu.Unlock()
			if again {
				s.Changed() // none is pending any more
			}
			return
		}
		cost := int64(b.returned[0].Cost())
		queued, w, err := b.offerLocked(nil, nil, &b.returned[0])
		switch {
		case err != nil:
			b.stranded = append(b.stranded, b.returned[0])
		case queued:
			b.bytes -= cost
			b.meter.Set(b.bytes)
		}
		if queued || err != nil {
			b.returned = b.returned[1:]
		}
		b.mu.Unlock()
		w.Write()
		if !queued && err == nil {
			return
		}
	}
}

// tryLocked queues a message to the next pipe that can carry it and has room, unless others are to be sent first. It fails if
// there are pipes, and none can carry it. header counts where the pattern has none of its own.
func (b *balancer) tryLocked(header, body []byte, m *msg.Message) (queued bool, w engine.PendingWrite, err error) {
	if len(b.returned) > 0 {
		return false, w, nil
	}
	return b.offerLocked(header, body, m)
}

// offerLocked is tryLocked for the message that is to be sent first. With conflate, it replaces the waiting message.
func (b *balancer) offerLocked(header, body []byte, m *msg.Message) (queued bool, w engine.PendingWrite, err error) {
	if b.header != nil && b.pipes.len() > 0 {
		header = b.header(b.pipes.list[0])
	}
	for p := b.nextLocked(header, body, m); p != nil; p = b.nextLocked(header, body, m) {
		if b.conflate {
			w, _ = p.Offer(header, body, m, nil, engine.Conflate)
			return true, w, nil
		}
		if queued, w = p.TryQueue(false, header, body, m); queued {
			return true, w, nil
		}
		b.leaveOut(p)
	}
	return false, w, engine.NoneFits(msg.ShapeOf(header, body, m), b.pipes.list...)
}

// nextLocked returns the next pipe, among those that can carry the message: the next open one in turn or, among those with
// room for it, the one with the shortest queue. It returns nil if there is none.
func (b *balancer) nextLocked(header, body []byte, m *msg.Message) *engine.Pipe {
	shape := msg.ShapeOf(header, body, m)
	if b.leastLoaded {
		return b.leastLocked(shape)
	}
	for range b.open {
		if p := b.next(); p.Fits(shape) {
			return p
		}
	}
	return nil
}

// leastLocked returns the pipe with the shortest queue, among those that can carry a message and have room for it, or nil.
func (b *balancer) leastLocked(shape msg.Shape) (least *engine.Pipe) {
	best := 0
	for p := range b.inTurn {
		if !p.Fits(shape) {
			continue
		}
		switch load, room, _ := p.Room(shape.Cost()); {
		case room == 0 || p.Over():
			b.leaveOut(p)
		case least == nil || load < best:
			least, best = p, load
		}
	}
	return least
}

// Send queues a copy of body, or, if m is not nil, the contents of m. With wait false it fails where it would have to wait.
func (b *balancer) Send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	if p := b.only.Load(); p != nil {
		if err := scope.Ended(ctx); err != nil {
			return err
		}
		var header []byte
		if b.header != nil {
			header = b.header(p)
		}
		if queued, w := p.TryQueue(true, header, body, m); queued {
			w.Write()
			return nil
		}
	}
	return b.do(ctx, wait, nil, func() (bool, engine.PendingWrite, error) { return b.tryLocked(nil, body, m) })
}

// refuse makes every present and future attempt fail.
func (b *balancer) refuse(err error) {
	b.sender.refuse(err)
	b.mu.Lock()
	b.chooseLocked()
	b.mu.Unlock()
}

// SendBatch queues ms in order, each pipe getting turns of up to batchTurn, and returns how many were queued.
func (b *balancer) SendBatch(ctx context.Context, ms []*msg.Message) (n int, err error) {
	if b.conflate || slices.ContainsFunc(ms, (*msg.Message).Multipart) {
		return oneByOne(len(ms), func(i int) error { return b.Send(ctx, true, nil, ms[i]) })
	}
	return b.sendTurns(ctx, len(ms), func(from, to int) batch { return batch{ms: ms[from:to]} })
}

// SendBodies is SendBatch for copies of bodies.
func (b *balancer) SendBodies(ctx context.Context, bodies [][]byte) (n int, err error) {
	if b.conflate {
		return oneByOne(len(bodies), func(i int) error { return b.Send(ctx, true, bodies[i], nil) })
	}
	return b.sendTurns(ctx, len(bodies), func(from, to int) batch { return batch{bodies: bodies[from:to]} })
}

// oneByOne calls send for each of n messages until it fails, and returns for how many it did not.
func oneByOne(n int, send func(i int) error) (sent int, err error) {
	for ; sent < n; sent++ {
		if err = send(sent); err != nil {
			break
		}
	}
	return sent, err
}

// A batch is messages to be sent to one pipe: bodies to be copied, or the contents of ms.
type batch struct {
	bodies [][]byte
	ms     []*msg.Message
}

// first returns the first message.
func (b batch) first() (body []byte, m *msg.Message) {
	if b.bodies != nil {
		return b.bodies[0], nil
	}
	return nil, b.ms[0]
}

// sendTurns sends all messages, in parts that part returns, and returns how many were queued.
func (b *balancer) sendTurns(ctx context.Context, all int, part func(from, to int) batch) (n int, err error) {
	for n < all && err == nil {
		pause := false
		turn := part(n, min(n+batchTurn, all))
		err = b.do(ctx, true, nil, func() (sent bool, w engine.PendingWrite, err error) {
			if len(b.returned) > 0 {
				return false, w, nil
			}
			var k int
			k, w, pause, err = b.offerBatchLocked(turn)
			n += k
			return k > 0, w, err
		})
		if pause {
			runtime.Gosched()
		}
	}
	return n, err
}

// offerBatchLocked queues as much of a batch as the next pipe that can carry the first message and has room takes. It fails
// if there are pipes, and none can carry that.
func (b *balancer) offerBatchLocked(turn batch) (n int, w engine.PendingWrite, pause bool, err error) {
	var header []byte
	if b.header != nil && b.pipes.len() > 0 {
		header = b.header(b.pipes.list[0])
	}
	body, m := turn.first()
	for p := b.nextLocked(header, body, m); p != nil; p = b.nextLocked(header, body, m) {
		if n, w, pause = p.TryQueueBatch(header, turn.bodies, turn.ms); n > 0 {
			return n, w, pause, nil
		}
		b.leaveOut(p)
	}
	return 0, w, false, engine.NoneFits(msg.ShapeOf(header, body, m), b.pipes.list...)
}

func (b *balancer) pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.returned) + len(b.stranded)
}

// drop discards the returned messages, and returns their number.
func (b *balancer) drop() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.returned) + len(b.stranded)
	msg.ReleaseAll(b.returned)
	msg.ReleaseAll(b.stranded)
	b.returned, b.stranded, b.bytes = nil, nil, 0
	b.meter.Set(0)
	return n
}
