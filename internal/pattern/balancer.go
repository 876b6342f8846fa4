// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

// batchTurn is how many messages of a batch go to one pipe before the next one's turn.
const batchTurn = 64

// A balancer sends each message to one of several pipes: in turn, or to the one with the least queued. Pipes
// without room are passed over; if none has room, or there is none, the sender waits.
//
// Messages that a dead pipe gives back stand at the head: nothing new is sent before they are.
type balancer struct {
	sender
	leastLoaded bool
	conflate    bool                        // the newest message takes the place of those that wait, so that there is always room
	header      func(p *engine.Pipe) []byte // nil = none

	pipes    []*engine.Pipe
	open     []*engine.Pipe // those that were not found full, in turn
	next     int            // in open
	returned []msg.Message
	only     atomic.Pointer[engine.Pipe] // the pipe that senders may use without asking; nil if they must ask
}

// chooseLocked finds out whether senders have to ask, after anything has changed.
func (b *balancer) chooseLocked() {
	var only *engine.Pipe
	if len(b.pipes) == 1 && len(b.returned) == 0 && b.err == nil && !b.conflate {
		only = b.pipes[0]
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

func (b *balancer) add(p *engine.Pipe) {
	b.mu.Lock()
	b.addLocked(p)
	b.mu.Unlock()
	b.writable(p)
}

func (b *balancer) addLocked(p *engine.Pipe) {
	b.pipes = append(b.pipes, p)
	b.open = append(b.open, p)
	b.chooseLocked()
}

// addOnly adds a pipe where there must be no other.
func (b *balancer) addOnly(p *engine.Pipe) error {
	b.mu.Lock()
	if len(b.pipes) > 0 {
		defer b.mu.Unlock()
		return engine.ErrBusy
	}
	b.addLocked(p)
	b.mu.Unlock()
	b.writable(p)
	return nil
}

func (b *balancer) remove(p *engine.Pipe, unsent []msg.Message) {
	b.mu.Lock()
	b.pipes = without(b.pipes, p)
	b.open = without(b.open, p)
	b.returned = append(b.returned, unsent...)
	b.chooseLocked()
	b.mu.Unlock()
	b.sendReturned(p.Socket())
}

// without returns a copy of pipes that lacks p.
func without(pipes []*engine.Pipe, p *engine.Pipe) []*engine.Pipe {
	return slices.DeleteFunc(slices.Clone(pipes), func(have *engine.Pipe) bool { return have == p })
}

// writable is called when a pipe that was full has room.
func (b *balancer) writable(p *engine.Pipe) {
	b.mu.Lock()
	if !slices.Contains(b.open, p) && slices.Contains(b.pipes, p) {
		b.open = append(b.open, p)
	}
	b.mu.Unlock()
	b.sendReturned(p.Socket())
}

// sendReturned sends what was given back, as far as there is room, and then lets senders try.
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
		var queued bool
		var write *engine.Pipe
		if m := &b.returned[0]; m.Multipart() {
			queued, write, _ = b.offerFramesLocked(nil, m) // if no pipe takes it, it waits for one
		} else {
			queued, write = b.offerLocked(nil, nil, m)
		}
		if queued {
			b.returned = b.returned[1:]
		}
		b.mu.Unlock()
		if write != nil {
			write.Write()
		}
		if !queued {
			return
		}
	}
}

// offerLocked queues a message to the next pipe that has room. header counts where the pattern has none of its own.
func (b *balancer) offerLocked(header, body []byte, m *msg.Message) (queued bool, write *engine.Pipe) {
	for p := b.nextLocked(header, body, m); p != nil; p = b.nextLocked(header, body, m) {
		if b.header != nil {
			header = b.header(p)
		}
		queued, mine := p.TryQueue(header, body, m)
		if mine {
			write = p
		}
		if queued {
			return true, write
		}
		b.fullLocked(p)
	}
	return false, nil
}

// nextLocked returns the pipe whose turn it is: the next open one, or, of those with room for the message, the one with
// the least queued. It returns nil if there is none.
func (b *balancer) nextLocked(header, body []byte, m *msg.Message) *engine.Pipe {
	if b.leastLoaded {
		return b.leastLocked(engine.SizeOf(header, body, m))
	}
	if len(b.open) == 0 {
		return nil
	}
	if b.next >= len(b.open) {
		b.next = 0
	}
	b.next++
	return b.open[b.next-1]
}

// leastLocked returns the pipe with the least queued, of those with room for n bytes, or nil.
func (b *balancer) leastLocked(n int) (least *engine.Pipe) {
	best := 0
	for i := 0; i < len(b.open); i++ {
		p := b.open[i]
		switch load, room := p.Load(n); {
		case !room:
			b.fullLocked(p)
			i--
		case least == nil || load < best:
			least, best = p, load
		}
	}
	return least
}

// fullLocked leaves out a pipe that had no room until it says that it has some: where all are full, asking each of them
// for every message would cost more than sending does.
func (b *balancer) fullLocked(p *engine.Pipe) {
	i := slices.Index(b.open, p)
	b.open = slices.Delete(b.open, i, i+1)
	if i < b.next {
		b.next--
	}
}

// offerFramesLocked queues a message of several frames to the next pipe that takes such and has room. It fails if no pipe
// takes such.
func (b *balancer) offerFramesLocked(header []byte, m *msg.Message) (queued bool, write *engine.Pipe, err error) {
	if len(b.pipes) > 0 && !slices.ContainsFunc(b.pipes, (*engine.Pipe).TakesFrames) {
		return false, nil, engine.ErrMultipart
	}
	for range b.open {
		p := b.nextLocked(header, nil, m)
		if p == nil {
			break
		}
		if !p.TakesFrames() {
			continue
		}
		queued, mine := p.TryQueue(header, nil, m)
		if mine {
			write = p
		}
		if queued {
			return true, write, nil
		}
		b.fullLocked(p)
	}
	return false, write, nil
}

// sendFrames sends a message of several frames.
func (b *balancer) sendFrames(ctx context.Context, wait bool, m *msg.Message) error {
	return b.do(ctx, wait, func() (bool, *engine.Pipe, error) {
		if len(b.returned) > 0 {
			return false, nil, nil
		}
		if b.conflate {
			queued, write := b.replaceLocked(nil, m)
			return queued, write, nil
		}
		return b.offerFramesLocked(nil, m)
	})
}

// replaceLocked queues a message to the next pipe in place of what waits there.
func (b *balancer) replaceLocked(body []byte, m *msg.Message) (queued bool, write *engine.Pipe) {
	p := b.nextLocked(nil, body, m)
	if p == nil {
		return false, nil
	}
	if mine, _ := p.Offer(nil, body, m, nil, engine.Conflate); mine {
		write = p
	}
	return true, write
}

// send sends one message: a copy of body, or, if m is not nil, the contents of m.
func (b *balancer) send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	if m != nil && m.Multipart() {
		return b.sendFrames(ctx, wait, m)
	}
	if p := b.only.Load(); p != nil {
		var header []byte
		if b.header != nil {
			header = b.header(p)
		}
		if queued, write := p.TryDirect(header, body, m); queued {
			if write {
				p.Write()
			}
			return nil
		}
	}
	return b.do(ctx, wait, func() (bool, *engine.Pipe, error) {
		if len(b.returned) > 0 {
			return false, nil, nil
		}
		if b.conflate {
			queued, write := b.replaceLocked(body, m)
			return queued, write, nil
		}
		queued, write := b.offerLocked(nil, body, m)
		return queued, write, nil
	})
}

// refuse makes every present and future attempt fail.
func (b *balancer) refuse(err error) {
	b.sender.refuse(err)
	b.mu.Lock()
	b.chooseLocked()
	b.mu.Unlock()
}

// sendBatch sends ms in order, each pipe getting turns of up to batchTurn, and returns how many were sent.
func (b *balancer) sendBatch(ctx context.Context, ms []*msg.Message) (n int, err error) {
	if b.header != nil || b.conflate || slices.ContainsFunc(ms, (*msg.Message).Multipart) {
		for ; n < len(ms) && err == nil; n++ {
			err = b.send(ctx, true, nil, ms[n])
		}
		if err != nil {
			n--
		}
		return n, err
	}
	for n < len(ms) && err == nil {
		var to *engine.Pipe
		turn := ms[n:min(n+batchTurn, len(ms))]
		err = b.do(ctx, true, func() (bool, *engine.Pipe, error) {
			if len(b.returned) > 0 {
				return false, nil, nil
			}
			k, p, write := b.offerBatchLocked(turn)
			n += k
			if to = p; write {
				return true, p, nil
			}
			return k > 0, nil, nil
		})
		if to != nil {
			to.Pause()
		}
	}
	return n, err
}

// offerBatchLocked queues as many of ms as the next pipe that has room takes, and returns that pipe.
func (b *balancer) offerBatchLocked(ms []*msg.Message) (n int, p *engine.Pipe, write bool) {
	for p := b.nextLocked(nil, nil, ms[0]); p != nil; p = b.nextLocked(nil, nil, ms[0]) {
		if n, write := p.TryQueueBatch(ms); n > 0 {
			return n, p, write
		}
		b.fullLocked(p)
	}
	return 0, nil, false
}

func (b *balancer) pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.returned)
}

// drop forgets what was given back, and returns how many messages that were.
func (b *balancer) drop() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.returned)
	msg.ReleaseAll(b.returned)
	b.returned = nil
	return n
}
