// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

// A filter is the set of topics of a peer of a fan-out. A topic is in it once, however often the peer subscribed to it.
//
// Senders match against it without a lock. It is changed by the pipe's reader, under mu, which comes before the fan-out's
// lock and is not held by senders.
type filter struct {
	extra int64 // the cost of a topic in addition to the charge of its set

	mu     lock.Mutex[lock.Filter]
	topics topics
	closed bool // the pipe has ended, or is about to: nothing is added

	// Under the fan-out's lock.
	cost    int64 // of the topics, as the fan-out counts them
	meter   budget.Meter
	since   uint64 // how many messages were sent before the topics last changed
	changed uint64 // the fan-out's epoch when the topics last changed
	shed    bool   // the pipe has ended, or is about to: nothing is counted any more
}

// filtered is the state of a pipe whose peer sends its topics.
type filtered interface{ wants() *filter }

func (t *filter) wants() *filter { return t }

func filterOf(p *engine.Pipe) *filter {
	if f, ok := p.State().(filtered); ok {
		return f.wants()
	}
	return nil
}

// hasRoom reports whether the peer may ask for one topic more.
func (t *filter) hasRoom(topic string) bool {
	return t.topics.count() < maxPeerTopics && int64(len(topic)) <= maxPeerTopicBytes-t.topics.bytes
}

// close ends the filter and returns its topics; nothing in it may change any more. It drops its reference to them, because
// the pipe itself may be kept for a while, for its counters.
func (t *filter) close() (had *topics) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, had = true, new(topics)
	had.root.Store(t.topics.root.Swap(nil))
	t.topics.bytes = 0
	return had
}

// A change is the effect of a peer's control event on its topics.
type change struct {
	topic          string
	added, removed bool
	full           bool         // the peer wants more than is remembered of one
	shed           *engine.Pipe // the peer with the most topics, which is closed to make room for those of others
}

// end ends the pipes of peers that want too much. It is not called under locks.
func (c change) end(p *engine.Pipe) {
	if c.added {
		p.Relieve() // not after all topics of one read are added: topics cost several times their bytes
	}
	if c.full {
		p.Close(wire.Errorf(reasons.Topics,
			"peer subscribed to more than %d topics, or to more than %d bytes of them: let it use shorter prefixes, or several sockets",
			maxPeerTopics, maxPeerTopicBytes))
	}
	if c.shed != nil {
		c.shed.Close(wire.Errorf(reasons.Topics,
			"peers subscribed to more topics than the socket's TopicBytes, and this one has most of them: let it use shorter prefixes, or raise the limit"))
	}
}

// subscribed applies a control event to a peer's topics. also, if not nil, is called under t.mu when they change.
func (f *fanout) subscribed(t *filter, c wire.Control, also func(change)) (done change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return change{}
	}
	done.topic = string(c.Data)
	there, next := t.topics.has(done.topic), t.topics.root.Load()
	switch c.Kind {
	case wire.ControlSubscribe, wire.ControlJoin:
		if done.full = !there && !t.hasRoom(done.topic); done.full {
			t.closed = true
			return done
		}
		if done.added = !there; done.added {
			next = next.insert(item[struct{}]{key: done.topic})
		}
	case wire.ControlCancel, wire.ControlLeave:
		if done.removed = there; done.removed {
			next = next.remove(done.topic)
		}
	}
	if !done.added && !done.removed {
		return done
	}
	if also != nil {
		also(done)
	}
	done.shed = f.changed(t, next, done)
	return done
}

// Control implements engine.Controller.
func (f *fanout) Control(p *engine.Pipe, c wire.Control) {
	if t := filterOf(p); t != nil {
		f.subscribed(t, c, nil).end(p)
		f.socket.Changed()
	}
}

// changed lets senders see a change of topics, and counts it. Of too many topics of all peers, it returns the pipe of the
// peer with the most, to be ended.
func (f *fanout) changed(t *filter, topics *page[struct{}], c change) (shed *engine.Pipe) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int64(len(c.topic))
	if c.removed {
		n = -n
	}
	t.topics.root.Store(topics)
	t.topics.bytes += n
	t.since = f.sent
	t.changed = f.epoch.Add(1)
	f.credit = credit{} // another pipe may be one to wait for
	if t.shed {
		return nil
	}
	f.topicBytes -= t.cost
	t.cost = t.topics.bytes + int64(t.topics.count())*(topicNode+t.extra)
	t.meter.Set(t.cost)
	if f.topicBytes += t.cost; c.added && f.topicBytes > f.topicLimit {
		return f.shedLocked()
	}
	return nil
}

func (f *fanout) shedLocked() *engine.Pipe {
	var most *engine.Pipe
	var cost int64
	for _, m := range f.members.Load().list {
		if m.filter != nil && !m.filter.shed && m.filter.cost > cost {
			most, cost = m.pipe, m.filter.cost
		}
	}
	if most != nil {
		f.forgetLocked(filterOf(most))
	}
	return most
}

// forgetLocked removes the topics of a pipe that has ended, or will be ended, from the sum.
func (f *fanout) forgetLocked(t *filter) {
	if !t.shed {
		t.shed = true
		f.topicBytes -= t.cost
		t.cost = 0
	}
}

// members are the pipes of a fan-out: a list that is never changed, but replaced.
type members struct {
	list    []member
	filters int // how many have one
}

// A member is a pipe, and what its peer wants: a nil filter is everything.
type member struct {
	pipe   *engine.Pipe
	filter *filter
}

func (m *member) wants(body []byte) bool { return m.filter == nil || m.filter.topics.match(body) }

// wanting records which members want one message. It is determined before the fan-out's lock is taken, so that a peer with
// many topics delays no other, and under the lock again for members that have changed.
type wanting struct {
	members *members
	epoch   uint64
	few     [8]uint64 // bits, for the first ones
	more    []uint64  // for those beyond
}

// fewMembers is how many members need no memory for their bits.
const fewMembers = 64 * 8

// find looks at all members.
func (w *wanting) find(f *fanout, body []byte) {
	w.epoch = f.epoch.Load() // before the members and their topics: later changes are checked again
	w.members = f.members.Load()
	if w.members.filters == 0 {
		return
	}
	if n := len(w.members.list) - fewMembers; n > 64*len(w.more) {
		w.more = make([]uint64, (n+63)/64)
	}
	for i := range w.members.list {
		w.set(i, w.members.list[i].wants(body))
	}
}

// refreshLocked looks again at members that have changed since find.
func (w *wanting) refreshLocked(f *fanout, body []byte) {
	epoch := f.epoch.Load()
	switch {
	case epoch == w.epoch:
		return
	case w.members != f.members.Load():
		w.find(f, body)
		return
	}
	for i := range w.members.list {
		if m := &w.members.list[i]; m.filter != nil && m.filter.changed > w.epoch {
			w.set(i, m.wants(body))
		}
	}
	w.epoch = epoch
}

func (w *wanting) word(i int) *uint64 {
	if i < fewMembers {
		return &w.few[i/64]
	}
	return &w.more[(i-fewMembers)/64]
}

func (w *wanting) set(i int, wants bool) {
	if word, bit := w.word(i), uint64(1)<<(i%64); wants {
		*word |= bit
	} else {
		*word &^= bit
	}
}

// has reports whether a member wants the message.
func (w *wanting) has(i int) bool {
	return w.members.filters == 0 || *w.word(i)&(1<<(i%64)) != 0
}

// allTakeFrames reports whether every pipe that wants the message takes several frames.
func (w *wanting) allTakeFrames() bool {
	for i := range w.members.list {
		if w.has(i) && w.members.list[i].pipe.Session().Multipart == nil {
			return false
		}
	}
	return true
}
