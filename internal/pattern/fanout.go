// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// shareFrom is the body size from which the pipes of a fan-out share one body instead of copying it.
const shareFrom = 8 << 10

// A fanout sends each message to every pipe. A pipe without room is treated by the overflow policy and delays
// no other, except by Block, with which a message waits until every pipe has room.
type fanout struct {
	sender
	overflow engine.Overflow
	flusher  *engine.Flusher
	log      engine.FrameLog
	credit   credit
	unpaused int // bytes since the publisher last paused

	pipes  []*engine.Pipe
	writes []*engine.Pipe // reused
	over   []*engine.Pipe // reused: those to disconnect
}

// A credit is what may be sent by the policy Block before the pipes are to be asked for room again.
type credit struct {
	messages int
	bytes    int64
}

// publishPace is after how many bytes a publisher lets others go first: those who write what is still in the processor's
// cache, and those who receive it, which keeps queues short where all share a processor.
const (
	publishPace    = 64 << 10
	publishMessage = 64 // what a message counts beside its own size
)

// wants reports whether a peer wants a message: one that has not told its topics wants all.
func wants(p *engine.Pipe, body []byte) bool {
	switch t := p.State.(type) {
	case *topics:
		return t.match(body)
	case *xpubPeer:
		return t.match(body)
	}
	return true
}

// subscribed takes what a peer says of its topics. They are a set, however often it asks for one.
func (f *fanout) subscribed(p *engine.Pipe, c wire.Control) {
	t, ok := p.State.(*topics)
	if !ok {
		return
	}
	topic, full := string(c.Data), false
	f.mu.Lock()
	switch c.Kind {
	case wire.ControlSubscribe, wire.ControlJoin:
		full = !t.addOnce(topic)
	case wire.ControlCancel, wire.ControlLeave:
		t.remove(topic)
	}
	f.credit = credit{} // another pipe may be one to wait for
	f.mu.Unlock()
	if full {
		tooManyTopics(p)
	}
}

// tooManyTopics lets a peer go that wants more than is remembered of one: if it were not told, it would wait for messages
// that never come.
func tooManyTopics(p *engine.Pipe) {
	p.Breach(wire.Errorf(wire.ReasonTopics,
		"peer subscribed to more than %d topics, or %d bytes of them, or to topics whose different lengths are %d bytes together: let it use shorter prefixes, or several sockets",
		maxPeerTopics, maxPeerTopicBytes, maxPeerLookup))
}

// waitSubscribers waits until at least n pipes may want what begins with topic.
func (f *fanout) waitSubscribers(ctx context.Context, s *engine.Socket, topic string, n int) error {
	body := []byte(topic)
	return s.WaitFor(ctx, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		wanting := 0
		for _, p := range f.pipes {
			if wants(p, body) {
				wanting++
			}
		}
		return wanting >= n
	})
}

func newFanout(s *engine.Socket, overflow engine.Overflow) fanout {
	return fanout{overflow: overflow, flusher: engine.NewFlusher(s)}
}

func (f *fanout) add(p *engine.Pipe) {
	f.mu.Lock()
	f.addLocked(p)
	f.mu.Unlock()
}

func (f *fanout) addLocked(p *engine.Pipe) {
	f.pipes = append(f.pipes, p)
	f.credit = credit{}
}

func (f *fanout) remove(p *engine.Pipe) {
	f.mu.Lock()
	for i, have := range f.pipes {
		if have == p {
			f.pipes = append(f.pipes[:i:i], f.pipes[i+1:]...)
			break
		}
	}
	f.waiters.WakeAll() // one fewer to wait for
	f.mu.Unlock()
}

// send queues a message to every pipe but except, which may be nil. The contents of m are taken; if m is nil,
// body is copied. before, if not nil, is told the pipes before anything is queued to them.
func (f *fanout) send(ctx context.Context, wait bool, header, body []byte, m *msg.Message, except *engine.Pipe, before func([]*engine.Pipe)) error {
	if m == nil && len(body) >= shareFrom {
		own := msg.Copy(body)
		m = &own
	}
	if m != nil {
		body = m.Body()
	}
	var over []*engine.Pipe
	pause, start := false, false
	err := f.do(ctx, wait, func() (bool, *engine.Pipe, error) {
		if m != nil && m.Multipart() && !f.allTakeFramesLocked(body) {
			return false, nil, engine.ErrMultipart
		}
		if f.overflow == engine.Block && !f.allHaveRoomLocked(engine.SizeOf(header, body, m), body) {
			return false, nil, nil
		}
		if before != nil {
			before(f.pipes)
		}
		start = f.offerLocked(header, body, m, except)
		over = append(over, f.over...)
		if f.unpaused += len(body) + publishMessage; f.unpaused >= publishPace {
			f.unpaused, pause = 0, true
		}
		return true, nil, nil
	})
	if start {
		f.flusher.Start()
	}
	for _, p := range over {
		p.Overflowed()
	}
	if pause {
		runtime.Gosched()
	}
	if err == nil && m != nil {
		m.Release()
	}
	return err
}

// allHaveRoomLocked reports whether every pipe has room for n bytes. It asks the pipes for as much as they have: only the
// fan-out adds to their queues, so that this holds until it is used up.
// Pipes that do not want the message are not asked, and then it says nothing about the next one.
func (f *fanout) allHaveRoomLocked(n int, body []byte) bool {
	n += engine.MaxFrame
	if c := &f.credit; c.messages > 0 && c.bytes >= int64(n) {
		c.messages--
		c.bytes -= int64(n)
		return true
	}
	all, every := true, true
	least := credit{math.MaxInt, math.MaxInt64}
	for _, p := range f.pipes {
		if !wants(p, body) {
			every = false
			continue
		}
		messages, bytes := p.Room(n)
		least = credit{min(least.messages, messages), min(least.bytes, bytes)}
		all = all && messages > 0
	}
	least.messages--
	least.bytes -= int64(n)
	if f.credit = least; !all || !every {
		f.credit = credit{}
	}
	return all
}

// allTakeFramesLocked reports whether every pipe that wants the message takes several frames.
func (f *fanout) allTakeFramesLocked(body []byte) bool {
	return !slices.ContainsFunc(f.pipes, func(p *engine.Pipe) bool { return !p.TakesFrames() && wants(p, body) })
}

// offerLocked offers a message to the pipes that want it. If start is true, the caller starts the flusher when it has released
// the lock.
func (f *fanout) offerLocked(header, body []byte, m *msg.Message, except *engine.Pipe) (start bool) {
	f.over = f.over[:0]
	f.writes = f.writes[:0]
	var log *engine.FrameLog
	whole := m != nil && (len(body) >= shareFrom || m.Multipart())
	if !whole {
		log = &f.log
		log.Begin(header, body)
	}
	for _, p := range f.pipes {
		if p == except || !wants(p, body) {
			continue
		}
		var share *msg.Message
		if whole {
			share = m.Clone()
		}
		write, overflowed := p.Offer(header, body, share, log, f.overflow)
		if write {
			f.writes = append(f.writes, p)
		}
		if overflowed && f.overflow == engine.Disconnect {
			f.over = append(f.over, p)
		}
	}
	f.log.Begin(nil, nil) // the body is the caller's
	return f.flusher.Add(f.writes)
}
