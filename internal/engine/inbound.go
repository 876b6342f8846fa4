// SPDX-License-Identifier: MIT

package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/hist"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/stats"
)

// inbound is the accounting of received messages. Messages in an inbox are counted there, by the pipe's source; all
// others are counted here. At any moment:
//
//	arrived = delivered + queued + dropped
//
// Copies for several subscriptions count one each. A message that no subscription wants counts as filtered, and as neither
// arrived nor dropped.
type inbound struct {
	mu        lock.Mutex[lock.Inbound]
	sources   []*queue.Source
	arrived   uint64
	delivered uint64
	filtered  uint64
	waived    uint64 // requests that get no reply
	dropped   drops
	waited    *hist.Histogram // of closed sources; nil if there is none
	trips     *hist.Histogram // round trips; nil if there was none

	bytes atomic.Uint64 // received, frame heads included
}

// NewSource adds a queue for this pipe to an inbox.
func (p *Pipe) NewSource(q *queue.Inbox) *queue.Source {
	s := q.NewSource(p.out.carrier.resume)
	s.Charge(p.account.NewMeter())
	s.OnDrop(func(overflow, lost, shed int) {
		p.socket.dropped(p, reasons.Overflow, overflow)
		p.socket.dropped(p, reasons.Closed, lost)
		p.socket.dropped(p, reasons.Budget, shed)
	})
	if c, ok := p.out.carrier.(*inprocCarrier); ok {
		s.CountIn(&c.backlog)
	}
	p.in.mu.Lock()
	p.in.sources = append(p.in.sources, s)
	p.in.mu.Unlock()
	if p.socket.pattern.Traits().Replies {
		p.out.mu.Lock()
		p.out.requests = s
		p.out.mu.Unlock()
	}
	return s
}

// settle reports to queues that nothing more is read into the chunk of the latest messages, so that they keep only the part
// that they need.
func (p *Pipe) settle() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for _, s := range p.in.sources {
		s.Settle()
	}
}

// CloseSource adds the counters of a source, whose inbox is closed, to the pipe's.
func (p *Pipe) CloseSource(s *queue.Source) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for i, have := range p.in.sources {
		if have == s {
			p.in.sources = append(p.in.sources[:i:i], p.in.sources[i+1:]...)
			p.in.addLocked(s.Counts())
			if _, waited := s.Ages(); waited.Count() > 0 {
				p.in.waited = counting(p.in.waited)
				p.in.waited.Merge(&waited)
			}
			return
		}
	}
}

func (in *inbound) addLocked(c queue.Counts) {
	in.arrived += c.Arrived
	in.delivered += c.Delivered
	in.dropped.add(reasons.Overflow, c.Overflow)
	in.dropped.add(reasons.Closed, c.Lost)
	in.dropped.add(reasons.Budget, c.Shed)
}

// Took counts messages that the pattern delivered without an inbox, to the application or to its own state.
func (p *Pipe) Took(n int) {
	if n == 0 {
		return
	}
	p.in.mu.Lock()
	p.in.arrived += uint64(n)
	p.in.delivered += uint64(n)
	p.in.mu.Unlock()
}

// Filtered counts messages that no subscription wants.
func (p *Pipe) Filtered(n int) {
	if n > 0 {
		p.in.mu.Lock()
		p.in.filtered += uint64(n)
		p.in.mu.Unlock()
	}
}

// Drop counts received messages as dropped, and releases them. It returns how many they are.
func (p *Pipe) Drop(reason reasons.Reason, run []msg.Message) int {
	msg.ReleaseAll(run)
	p.DropN(reason, len(run))
	return len(run)
}

// DropN counts n dropped messages that were received.
func (p *Pipe) DropN(reason reasons.Reason, n int) {
	if n == 0 {
		return
	}
	if reason == reasons.PipeClosed {
		reason = p.lossReason()
	}
	p.in.mu.Lock()
	p.in.arrived += uint64(n)
	p.in.dropped.add(reason, uint64(n))
	p.in.mu.Unlock()
	p.socket.dropped(p, reason, n)
}

// deliver offers run to the pattern. With room, it blocks while the pattern refuses, which is the back-pressure, and fails
// if the pipe ends first. Without room, it returns the refused messages. A closing socket drops everything.
func (p *Pipe) deliver(run []msg.Message, room *roomBell) (refused []msg.Message, err error) {
	for len(run) > 0 {
		if p.socket.closing() {
			p.Drop(reasons.Closed, run)
			return nil, nil
		}
		run = run[p.socket.pattern.Receive(p, run):]
		if len(run) == 0 || room == nil {
			break
		}
		p.Relieve()
		if !p.awaitRoom(room) {
			p.Drop(reasons.PipeClosed, run)
			return nil, ErrPipeClosed
		}
	}
	return run, nil
}

// awaitRoom waits until the pattern has room. It reports false if the pipe ends first. Meanwhile nothing is read and no ping
// is answered. This end sends pings of its own instead, so that the peer does not give it up.
func (p *Pipe) awaitRoom(room *roomBell) bool {
	room.awaited.Store(true)
	var again <-chan time.Time
	h := p.heartbeat.Load()
	if h != nil {
		t := time.NewTicker(h.lifeSigns())
		defer t.Stop()
		again = t.C
	}
	for {
		select {
		case <-room.rung():
			room.awaited.Store(false)
			return true
		case <-p.scope.Done():
			return false
		case <-again:
			h.ping()
		}
	}
}

// A roomBell wakes the reader when the pattern has room again. Few connections ever wait for that, and only those have the
// channel.
type roomBell struct {
	once    sync.Once
	c       chan struct{}
	awaited atomic.Bool // the reader waits, and reads nothing
}

func (b *roomBell) rung() chan struct{} {
	b.once.Do(func() { b.c = make(chan struct{}, 1) })
	return b.c
}

func (b *roomBell) ring() {
	select {
	case b.rung() <- struct{}{}:
	default:
	}
}

// Waive counts a request that gets no reply.
func (p *Pipe) Waive() {
	p.in.mu.Lock()
	p.in.waived++
	p.in.mu.Unlock()
}

// Unanswered returns how many of arrived requests have neither been answered, by a message each, nor waived.
func (p *Pipe) Unanswered(arrived uint64) int {
	p.out.mu.Lock()
	answers := p.out.offered
	p.out.mu.Unlock()
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	return int(arrived - answers - p.in.waived)
}

// Undeliver counts n messages as dropped that were counted as delivered.
func (p *Pipe) Undeliver(reason reasons.Reason, n int) {
	s := p.socket
	s.mu.Lock()
	if p.settled {
		s.past.Recv.Delivered -= uint64(n)
		stats.AddCounts(&s.past.Recv.Dropped, map[reasons.Reason]uint64{reason: uint64(n)})
	} else {
		p.in.mu.Lock()
		p.in.delivered -= uint64(n)
		p.in.dropped.add(reason, uint64(n))
		p.in.mu.Unlock()
	}
	s.mu.Unlock()
	s.dropped(p, reason, n)
}

// Unreceive puts messages that were received from this pipe, one after the other, and that the application has not seen,
// back to the front of their queue in q. If q is closed, they are dropped and counted.
func (p *Pipe) Unreceive(q *queue.Inbox, ms ...*msg.Message) {
	for _, m := range ms {
		passed := m.Passed()
		m.SetOrigin(&p.origin) // which was another one if the message had a request
		if passed != nil {
			m.SetPassed(*passed)
		}
	}
	if s := p.in.sourceIn(q); s == nil || !s.Unreceive(ms...) {
		p.Undeliver(reasons.Closed, len(ms))
		for _, m := range ms {
			m.Release()
		}
	}
}

// sourceIn is the pipe's source in an inbox, or nil if that was closed.
func (in *inbound) sourceIn(q *queue.Inbox) *queue.Source {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.sources {
		if s.Of(q) {
			return s
		}
	}
	return nil
}

func (in *inbound) stats() (st stats.RecvStats, trips, waited hist.Histogram) {
	in.mu.Lock()
	defer in.mu.Unlock()
	trips, waited = in.trips.Clone(), in.waited.Clone()
	st = stats.RecvStats{
		Arrived: in.arrived, Delivered: in.delivered, Filtered: in.filtered, Bytes: in.bytes.Load(),
		Dropped: make(map[reasons.Reason]uint64),
	}
	in.dropped.addTo(st.Dropped)
	var waiting drops
	for _, src := range in.sources {
		c := src.Counts()
		st.Arrived += c.Arrived
		st.Delivered += c.Delivered
		st.Queued += uint64(c.Queued)
		st.QueuedBytes += c.QueuedBytes
		oldest, more := src.Ages()
		st.OldestAge = max(st.OldestAge, oldest)
		waited.Merge(&more)
		waiting.add(reasons.Overflow, c.Overflow)
		waiting.add(reasons.Closed, c.Lost)
		waiting.add(reasons.Budget, c.Shed)
	}
	waiting.addTo(st.Dropped)
	return st, trips, waited
}

// counting returns h, or a new histogram if that is nil.
func counting(h *hist.Histogram) *hist.Histogram {
	if h != nil {
		return h
	}
	coarse := hist.Coarse()
	return &coarse
}

// RoundTrip counts the time of a round trip to the peer.
func (p *Pipe) RoundTrip(d time.Duration) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.trips = counting(p.in.trips)
	p.in.trips.Add(d)
}
