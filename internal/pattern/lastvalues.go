// SPDX-License-Identifier: MIT

package pattern

import (
	"strings"
	"sync/atomic"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/msg"
)

// lastValues are the last messages of topics, a message's topic being its first frame. If there are too many, or too large
// ones, the topics that were silent for the longest are forgotten. While the budget has no room, they do not take more than
// they have.
//
// Topics are sorted, so that a subscription costs what it is sent, and not a look at all of them.
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

	// lastValueNode is what a last value costs beside its message and its topic.
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
