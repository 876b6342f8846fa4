// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

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

	members atomic.Pointer[members] // replaced under mu
	epoch   atomic.Uint64           // counts changes of members and of their topics, under mu
	writes  []engine.PendingWrite   // reused
	over    []*engine.Pipe          // reused: those to disconnect

	sent       uint64 // messages, so far
	filters    bool   // peers that send their topics get only matching messages
	groups     bool   // they name groups, which the first frame of a message is, instead of prefixes of it
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
	body := []byte(topic)
	return f.socket.WaitFor(ctx, func() bool {
		wanting := 0
		for _, m := range f.members.Load().list {
			if m.wants(body) {
				wanting++
			}
		}
		return wanting >= n
	})
}

// DefaultTopicBytes is how much the topics of all peers of a socket may be charged, in bytes.
const DefaultTopicBytes = 256 << 20

func newFanout(s *engine.Socket, overflow engine.Overflow) *fanout {
	f := &fanout{sender: sender{socket: s}, overflow: overflow, flusher: engine.NewFlusher(s), topicLimit: DefaultTopicBytes}
	f.members.Store(new(members))
	return f
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
	if f.filters && p.Session().Commander != nil {
		p.SetState(&filter{topics: topics{exact: f.groups}, meter: p.NewMeter()})
	}
	f.mu.Lock()
	f.addLocked(p)
	f.mu.Unlock()
	return nil
}

func (f *fanout) addLocked(p *engine.Pipe) {
	old := f.members.Load()
	m := &members{append(slices.Clip(old.list), member{p, filterOf(p)}), old.filters}
	if filterOf(p) != nil {
		m.filters++
	}
	f.replaceLocked(m)
}

// replaceLocked changes the members. A sender that has matched a message against the old ones does so again.
func (f *fanout) replaceLocked(m *members) {
	f.members.Store(m)
	f.epoch.Add(1)
	f.credit = credit{}
}

func (f *fanout) remove(p *engine.Pipe, _ []msg.Message) {
	t := filterOf(p)
	if t != nil {
		t.close()
	}
	f.mu.Lock()
	old := f.members.Load()
	if i := slices.IndexFunc(old.list, func(m member) bool { return m.pipe == p }); i >= 0 {
		m := &members{slices.Concat(old.list[:i], old.list[i+1:]), old.filters}
		if t != nil {
			m.filters--
			f.forgetLocked(t)
			t.meter.Set(0)
		}
		f.replaceLocked(m)
	}
	f.waiters.WakeAll() // one fewer to wait for
	f.mu.Unlock()
}

// Send queues a copy of body, or the contents of m, to every pipe. With wait false it fails where it would have to wait.
func (f *fanout) Send(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
	return f.send(ctx, wait, nil, body, m, nil, nil)
}

// send queues a message to every pipe but except, which may be nil. It takes the contents of m; if m is nil, it copies body.
// before, if not nil, is called with the pipes before anything is queued to them.
func (f *fanout) send(ctx context.Context, wait bool, header, body []byte, m *msg.Message, except *engine.Pipe, before func([]member)) error {
	if m == nil && len(body) >= shareFrom {
		own := msg.Copy(body)
		m = &own
	}
	if m != nil {
		m.Trim() // once for all pipes
		body = m.Body()
	}
	var over []*engine.Pipe
	var w wanting
	pause := false
	w.find(f, body)
	err := f.do(ctx, wait, nil, func() (sent bool, pending engine.PendingWrite, err error) {
		w.refreshLocked(f, body)
		if m != nil && m.Multipart() && !w.allTakeFrames() {
			return false, pending, engine.ErrMultipart
		}
		if f.overflow == engine.Block && !f.allHaveRoomLocked(msg.ShapeOf(header, body, m), &w) {
			return false, pending, nil
		}
		f.sent++
		if before != nil {
			before(w.members.list)
		}
		pending = f.offerLocked(header, body, m, except, &w)
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
func (f *fanout) allHaveRoomLocked(shape msg.Shape, w *wanting) bool {
	n := shape.Cost() + sendqueue.FrameRoom
	if c := &f.credit; c.messages > 0 && c.bytes >= int64(n) {
		c.messages--
		c.bytes -= int64(n)
		return true
	}
	all, every := true, true
	least := credit{math.MaxInt, math.MaxInt64}
	for i := range w.members.list {
		if !w.has(i) || !w.members.list[i].pipe.Fits(shape) {
			every = false
			continue
		}
		_, messages, bytes := w.members.list[i].pipe.Room(n)
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

// offerLocked offers a message to the pipes that want it.
func (f *fanout) offerLocked(header, body []byte, m *msg.Message, except *engine.Pipe, w *wanting) engine.PendingWrite {
	f.over = f.over[:0]
	f.writes = f.writes[:0]
	var log *sendqueue.FrameLog
	whole := m != nil && (len(body) >= shareFrom || m.Multipart())
	if !whole {
		log = &f.log
		log.Begin(header, body)
	}
	for i := range w.members.list {
		p := w.members.list[i].pipe
		if p == except || !w.has(i) {
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
