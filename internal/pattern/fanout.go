// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/sendqueue"
)

// shareFrom is the body size from which the pipes of a fan-out share one body instead of copying it.
const shareFrom = 8 << 10

// A fanout sends each message to every pipe. A pipe without room is treated by the overflow policy and delays
// no other, except by Block, with which a message waits until every pipe has room.
type fanout struct {
	sender
	overflow engine.Overflow
	flusher  *engine.Flusher
	log      sendqueue.FrameLog
	credit   credit
	unpaused int // bytes since the publisher last paused

	plain   set[*engine.Pipe] // these get every message
	filters set[*filter]      // of the other pipes
	index   topicIndex        // of filters

	found  []*filter             // reused
	to     []*engine.Pipe        // reused: those that a message goes to
	writes []engine.PendingWrite // reused
	over   []*engine.Pipe        // reused: those to disconnect

	sent       uint64 // messages, so far
	filtering  bool   // peers that send their topics get only matching messages
	topicBytes int64  // the charge of the topics of all peers
	topicLimit int64
}

// A credit is how much may be sent by the policy Block before the pipes must be asked for room again.
type credit struct {
	messages int
	bytes    int64
}

// publishPace is the number of bytes after which a publisher yields to writers, while data is still in the processor's
// cache, and to receivers, which keeps queues short if all share a processor.
const (
	publishPace    = 64 << 10
	publishMessage = 64 // added for each message, besides its size
)

// WaitSubscribers waits until at least n pipes may want what begins with topic.
func (f *fanout) WaitSubscribers(ctx context.Context, topic string, n int) error {
	return f.socket.WaitFor(ctx, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.plain.len()+f.filters.len() >= n && len(f.targetsLocked([]byte(topic))) >= n
	})
}

// DefaultTopicBytes is how much the topics of all peers of a socket may be charged, in bytes.
const DefaultTopicBytes = 256 << 20

func newFanout(s *engine.Socket, overflow engine.Overflow) *fanout {
	return &fanout{sender: sender{socket: s}, overflow: overflow, flusher: engine.NewFlusher(s), topicLimit: DefaultTopicBytes}
}

// LimitTopics sets how much the topics of all peers may be charged, in bytes: 0 is [DefaultTopicBytes], and less is no
// limit. It is called before the socket has pipes.
func (f *fanout) LimitTopics(n int64) {
	switch {
	case n > 0:
		f.topicLimit = n
	case n < 0:
		f.topicLimit = math.MaxInt64
	}
}

func (f *fanout) add(p *engine.Pipe) error {
	if f.filtering && p.Session().Commander != nil {
		p.SetState(&filter{topics: topics{exact: f.index.exact}, meter: p.NewMeter()})
	}
	f.mu.Lock()
	f.addLocked(p)
	f.mu.Unlock()
	return nil
}

func (f *fanout) addLocked(p *engine.Pipe) {
	if t := filterOf(p); t != nil {
		t.pipe = p
		f.filters.add(t)
	} else {
		f.plain.add(p)
	}
	f.credit = credit{} // another pipe may be one to wait for
}

func (f *fanout) remove(p *engine.Pipe, _ []msg.Message) { f.leave(p, nil) }

// leave removes a pipe. forget, if not nil, is called with each topic of its peer.
func (f *fanout) leave(p *engine.Pipe, forget func(topic string)) {
	t := filterOf(p)
	if t != nil {
		t.close()
	}
	f.mu.Lock()
	if t != nil {
		f.removeFilterLocked(t)
	} else {
		f.plain.remove(p)
	}
	f.credit = credit{}
	f.found, f.to, f.writes, f.over = nil, nil, nil, nil // which may refer to the pipe
	f.waiters.WakeAll()                                  // one fewer to wait for
	f.mu.Unlock()
	if t == nil {
		return
	}
	for next, more := "", true; more; {
		f.mu.Lock() // for each place by itself: they may be many, and senders wait
		next, more = f.index.evict(t, next)
		f.mu.Unlock()
	}
	if forget != nil {
		t.topics.each(func(topic string, _ int) bool { forget(topic); return true })
	}
	f.mu.Lock()
	t.topics.clear() // the pipe may be kept for a while, for its counters
	f.mu.Unlock()
}

func (f *fanout) removeFilterLocked(t *filter) {
	if t.ended = true; !f.filters.remove(t) {
		return
	}
	f.forgetLocked(t)
	t.meter.Set(0)
}

// targetsLocked returns the pipes that a message goes to. The slice is valid until the next call.
func (f *fanout) targetsLocked(body []byte) []*engine.Pipe {
	if f.filters.len() == 0 {
		return f.plain.list
	}
	f.found, _ = f.index.find(body, f.found[:0])
	f.to = append(f.to[:0], f.plain.list...)
	for _, t := range f.found {
		f.to = append(f.to, t.pipe)
	}
	return f.to
}

// Send queues a copy of body, or the contents of m, to every pipe. With wait false it fails where it would have to wait.
func (f *fanout) Send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	return f.send(ctx, wait, nil, body, m, nil, nil)
}

// send queues a message to every pipe but except, which may be nil. It takes the contents of m; if m is nil, it copies body.
// before, if not nil, is called with the pipes before anything is queued to them.
func (f *fanout) send(ctx context.Context, wait bool, header, body []byte, m *msg.Message, except *engine.Pipe, before func([]*engine.Pipe)) error {
	if m == nil && len(body) >= shareFrom {
		own := msg.Copy(body)
		m = &own
	}
	if m != nil {
		m.Trim() // once for all pipes
		body = m.Body()
	}
	var over []*engine.Pipe
	pause := false
	err := f.do(ctx, wait, nil, func() (sent bool, pending engine.PendingWrite, err error) {
		to := f.targetsLocked(body)
		if m != nil && m.Multipart() && !allTakeFrames(to) {
			return false, pending, engine.ErrMultipart
		}
		if f.overflow == engine.Block && !f.allHaveRoomLocked(msg.ShapeOf(header, body, m), to) {
			return false, pending, nil
		}
		f.sent++
		if before != nil {
			before(to)
		}
		pending = f.offerLocked(header, body, m, except, to)
		over = append(over, f.over...)
		if f.unpaused += len(body) + publishMessage; f.unpaused >= publishPace {
			f.unpaused, pause = 0, true
		}
		return true, pending, nil
	})
	for _, p := range over {
		p.Close(engine.ErrOverflow)
	}
	if pause {
		runtime.Gosched()
	}
	if err == nil && m != nil {
		m.Release()
	}
	return err
}

// allHaveRoomLocked reports whether every pipe has room for a message. It asks the pipes for as much as they have: only the
// fan-out adds to their queues, so that this holds until it is used up.
// Pipes that do not want the message, or cannot carry it, are not asked, and then it says nothing about the next one.
func (f *fanout) allHaveRoomLocked(shape msg.Shape, to []*engine.Pipe) bool {
	n := shape.Cost() + sendqueue.FrameRoom
	if c := &f.credit; c.messages > 0 && c.bytes >= int64(n) {
		c.messages--
		c.bytes -= int64(n)
		return true
	}
	all, every := true, len(to) == f.plain.len()+f.filters.len()
	least := credit{math.MaxInt, math.MaxInt64}
	for _, p := range to {
		if !p.Fits(shape) {
			every = false
			continue
		}
		_, messages, bytes := p.Room(n)
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

// allTakeFrames reports whether every pipe takes several frames.
func allTakeFrames(to []*engine.Pipe) bool {
	return !slices.ContainsFunc(to, func(p *engine.Pipe) bool { return p.Session().Multipart == nil })
}

// offerLocked offers a message to the pipes that it goes to.
func (f *fanout) offerLocked(header, body []byte, m *msg.Message, except *engine.Pipe, to []*engine.Pipe) engine.PendingWrite {
	f.over = f.over[:0]
	f.writes = f.writes[:0]
	var log *sendqueue.FrameLog
	whole := m != nil && (len(body) >= shareFrom || m.Multipart())
	if !whole {
		log = &f.log
		log.Begin(header, body)
	}
	for _, p := range to {
		if p == except {
			continue
		}
		var share *msg.Message
		if whole {
			share = m.Clone()
		}
		write, overflowed := p.Offer(header, body, share, log, f.overflow)
		if !write.IsZero() {
			f.writes = append(f.writes, write)
		}
		if overflowed && f.overflow == engine.Disconnect {
			f.over = append(f.over, p)
		}
	}
	f.log.Begin(nil, nil) // the body is the caller's
	return f.flusher.Add(f.writes)
}
