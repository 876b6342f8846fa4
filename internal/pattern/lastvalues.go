// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"container/list"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

// lastValues are the last messages of topics, a message's topic being its first frame. Of too many topics, the one that has
// been silent for the longest is forgotten.
//
// They are in the order of their topics, so that a subscription costs what it is sent, and not a look at all of them.
type lastValues struct {
	keep    int
	recent  list.List // of *lastValue; the newest first
	byTopic []*lastValue
	stored  uint64
}

type lastValue struct {
	topic string
	m     *msg.Message
	at    uint64 // how many were stored before
	turn  *list.Element
}

func newLastValues(keep int) *lastValues { return &lastValues{keep: keep} }

// find returns where the first topic is, or belongs, that is not less than this.
func (v *lastValues) find(topic string) (i int, found bool) {
	return slices.BinarySearchFunc(v.byTopic, topic, func(l *lastValue, topic string) int { return cmp.Compare(l.topic, topic) })
}

// put makes m, which belongs to lastValues from now on, its topic's last message.
func (v *lastValues) put(m *msg.Message) {
	v.stored++
	topic := string(m.Body())
	i, found := v.find(topic)
	if found {
		l := v.byTopic[i]
		l.m.Release()
		l.m, l.at = m, v.stored
		v.recent.MoveToFront(l.turn)
		return
	}
	l := &lastValue{topic: topic, m: m, at: v.stored}
	l.turn = v.recent.PushFront(l)
	v.byTopic = slices.Insert(v.byTopic, i, l)
	if v.recent.Len() > v.keep {
		v.forget(v.recent.Back().Value.(*lastValue))
	}
}

func (v *lastValues) forget(l *lastValue) {
	i, _ := v.find(l.topic)
	v.byTopic = slices.Delete(v.byTopic, i, i+1)
	v.recent.Remove(l.turn)
	l.m.Release()
}

// of returns the last messages of the topics that begin with prefix, the oldest first.
func (v *lastValues) of(prefix string) []*lastValue {
	from, _ := v.find(prefix)
	to := from
	for to < len(v.byTopic) && strings.HasPrefix(v.byTopic[to].topic, prefix) {
		to++
	}
	wanted := slices.Clone(v.byTopic[from:to])
	slices.SortFunc(wanted, func(a, b *lastValue) int { return cmp.Compare(a.at, b.at) })
	return wanted
}

// offer queues the last messages of the topics that begin with prefix to a pipe, the oldest first. It reports whether the
// caller is to write them.
func (v *lastValues) offer(p *engine.Pipe, prefix string) (write bool) {
	for _, l := range v.of(prefix) {
		mine, _ := p.Offer(nil, nil, l.m.Clone(), nil, engine.DropNewest)
		write = write || mine
	}
	return write
}

func (v *lastValues) clear() {
	for _, l := range v.byTopic {
		l.m.Release()
	}
	*v = lastValues{keep: v.keep}
}
