// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

// lastValues are the last messages of topics; a message's topic is its first frame. If they are too many, or too large, the
// topics without a message for the longest time are removed. While the budget has no room, they do not grow.
//
// Topics are sorted, so that the cost of a subscription depends on the messages that it receives, and not on the number of
// topics.
type lastValues struct {
	keep   int
	limit  int64
	bytes  int64 // charged
	topics *page[*lastValue]
	meter  budget.Meter

	oldest, newest *lastValue
}

type lastValue struct {
	topic        string
	m            *msg.Message
	at           atomic.Uint64 // the number of the message among those sent; 0 = forgotten
	cost         int64
	older, newer *lastValue
}

const (
	// DefaultLastValueBytes is how much last values may be charged, in bytes.
	DefaultLastValueBytes = 64 << 20

	// lastValueNode is the cost of a last value in addition to its message and its topic.
	lastValueNode = 128
)

// maxLastValues is more than there can be, and far from the largest number.
const maxLastValues = 1 << 29

func newLastValues(keep int) *lastValues {
	return &lastValues{keep: min(keep, maxLastValues), limit: DefaultLastValueBytes}
}

// put makes m, which belongs to lastValues from now on and was sent as number at, its topic's last message.
func (v *lastValues) put(m *msg.Message, at uint64) {
	m.Compact()
	before := v.bytes
	if p, i := v.topics.find(string(m.Body())); p != nil {
		l := p.items[i].value
		v.unlink(l)
		l.m.Release()
		v.link(l, m, at)
	} else {
		l := &lastValue{topic: string(m.Body())}
		v.topics = v.topics.insert(item[*lastValue]{l, l.topic})
		v.link(l, m, at)
	}
	if v.newest.cost > v.limit { // which makes no room by forgetting others
		v.forget(v.newest)
	}
	for v.bytes > v.limit || int(v.topics.len()) > v.keep {
		v.forget(v.oldest)
	}
	if !v.meter.Room(before, v.bytes-before) {
		for v.bytes > before {
			v.forget(v.oldest)
		}
	}
	v.meter.Set(v.bytes)
}

// link makes l the newest value.
func (v *lastValues) link(l *lastValue, m *msg.Message, at uint64) {
	l.m, l.older, l.newer = m, v.newest, nil
	l.cost = int64(lastValueNode + len(l.topic) + m.Retained())
	l.at.Store(at)
	if v.newest != nil {
		v.newest.newer = l
	} else {
		v.oldest = l
	}
	v.newest = l
	v.bytes += l.cost
}

// unlink takes l out of the order of age.
func (v *lastValues) unlink(l *lastValue) {
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		v.oldest = l.newer
	}
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		v.newest = l.older
	}
	v.bytes -= l.cost
}

func (v *lastValues) forget(l *lastValue) {
	v.unlink(l)
	v.topics = v.topics.remove(l.topic)
	l.at.Store(0)
	l.m.Release()
	l.m = nil
}

func (v *lastValues) clear() {
	for v.oldest != nil {
		v.forget(v.oldest)
	}
	v.meter.Set(0)
}

// underPrefix returns how many keys begin with prefix.
func underPrefix[V any](p *page[V], prefix string) int {
	first := p.before(func(key string) bool { return key < prefix })
	return p.before(func(key string) bool { return key < prefix || strings.HasPrefix(key, prefix) }) - first
}

// A replay sends a new subscription the last values that it wants, the oldest first. It runs in the goroutine that brought
// the subscription, which is that peer's own, and a few values at a time, so that messages can be sent in between. Of a topic
// that a message was sent for meanwhile, the subscriber has that.
type replay struct {
	x     *XPub
	pipe  *engine.Pipe
	peer  *xpubPeer
	topic string
}

// replayed is a value as it was when a replay found it.
type replayed struct {
	value *lastValue
	at    uint64
}

// replayBatch is how many values are queued before other senders may continue.
const replayBatch = 64

// replayFloor is how many values a peer may always have replayed.
const replayFloor = 4096

// run replays as much as the peer has room for. The rest is counted as overflow, however much it is, in one step.
func (r replay) run() {
	values := r.find()
	for len(values) > 0 {
		n, full := r.offer(values[:min(replayBatch, len(values))])
		values = values[n:]
		if full {
			r.pipe.RefuseN(reasons.Overflow, len(values))
			return
		}
	}
}

// find returns the values, or none if the peer has had too many.
func (r replay) find() []replayed {
	x := r.x
	x.fanout.mu.Lock()
	topics, since := x.last.topics, r.peer.since
	x.fanout.mu.Unlock()
	n := underPrefix(topics, r.topic)
	if n == 0 {
		return nil
	}
	if !r.mayVisit(n) {
		r.pipe.RefuseN(reasons.Overflow, n)
		return nil
	}
	x.visited.Add(int64(n))
	values := make([]replayed, 0, n)
	topics.from(r.topic, func(it item[*lastValue]) bool {
		if !strings.HasPrefix(it.key, r.topic) {
			return false
		}
		if at := it.value.at.Load(); at > 0 && at <= since {
			values = append(values, replayed{it.value, at})
		}
		return true
	})
	slices.SortFunc(values, func(a, b replayed) int { return cmp.Compare(a.at, b.at) })
	return values
}

// mayVisit reports whether n values more may be visited for the peer: as many as messages were sent to it, and twice as many
// as there can be. So a peer that subscribes again and again without reading costs no more.
func (r replay) mayVisit(n int) bool {
	allowed := r.pipe.Sent() + uint64(max(2*r.x.last.keep, replayFloor))
	if r.peer.visited+uint64(n) > allowed {
		return false
	}
	r.peer.visited += uint64(n)
	return true
}

// offer queues values to the pipe. It returns how many were visited, and whether the pipe takes no more.
func (r replay) offer(values []replayed) (n int, full bool) {
	var w engine.PendingWrite // there is one at most
	r.x.fanout.mu.Lock()
	for n < len(values) && !full {
		v := values[n]
		n++
		if v.value.at.Load() != v.at {
			continue
		}
		var one engine.PendingWrite
		one, full = r.pipe.Offer(nil, nil, v.value.m.Clone(), nil, engine.DropNewest)
		if !one.IsZero() {
			w = one
		}
	}
	r.x.fanout.mu.Unlock()
	w.Write()
	return n, full || r.pipe.Over()
}
