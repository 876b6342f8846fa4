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
// The pipe's reader changes it under mu, which comes before the fan-out's lock and is not held by senders.
type filter struct {
	extra int64        // the cost of a topic in addition to the charge of its set
	pipe  *engine.Pipe // nil in tests

	mu     lock.Mutex[lock.Filter]
	topics topics // changed under mu and the fan-out's lock
	closed bool   // the pipe has ended, or is about to: nothing is added

	// Under the fan-out's lock.
	cost  int64 // of the topics, as the fan-out counts them
	meter budget.Meter
	since uint64 // how many messages were sent before the topics last changed
	found uint64 // the last search of the index that found it
	shed  bool   // the pipe has ended, or is about to: nothing is counted any more
	ended bool   // the pipe has left the fan-out: nothing is sent to it
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

// close ends the filter: its topics do not change any more.
func (t *filter) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
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
	there, next := t.topics.has(done.topic), t.topics.root
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
	t.topics.root = topics
	t.topics.bytes += n
	t.since = f.sent
	if c.added {
		f.index.add(t, c.topic)
	} else {
		f.index.remove(t, c.topic)
		f.waiters.WakeAll() // one fewer to wait for
	}
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
	var most *filter
	for _, t := range f.filters.list {
		if !t.shed && t.cost > 0 && (most == nil || t.cost > most.cost) {
			most = t
		}
	}
	if most == nil {
		return nil
	}
	f.forgetLocked(most)
	return most.pipe
}

// forgetLocked removes the topics of a pipe that has ended, or will be ended, from the sum.
func (f *fanout) forgetLocked(t *filter) {
	if !t.shed {
		t.shed = true
		f.topicBytes -= t.cost
		t.cost = 0
	}
}
