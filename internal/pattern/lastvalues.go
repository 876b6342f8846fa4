// SPDX-License-Identifier: MIT

package pattern

import (
	"container/list"
	"strings"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

// lastValues are the last messages of topics, a message's topic being its first frame. Of too many topics, the one that has
// been silent for the longest is forgotten.
type lastValues struct {
	keep    int
	recent  list.List // of *msg.Message; the newest first
	byTopic map[string]*list.Element
}

func newLastValues(keep int) *lastValues {
	return &lastValues{keep: keep, byTopic: make(map[string]*list.Element)}
}

// put makes m, which belongs to lastValues from now on, its topic's last message.
func (v *lastValues) put(m *msg.Message) {
	topic := string(m.Body())
	if e := v.byTopic[topic]; e != nil {
		e.Value.(*msg.Message).Release()
		e.Value = m
		v.recent.MoveToFront(e)
		return
	}
	v.byTopic[topic] = v.recent.PushFront(m)
	if v.recent.Len() > v.keep {
		v.forget(v.recent.Back())
	}
}

func (v *lastValues) forget(e *list.Element) {
	m := v.recent.Remove(e).(*msg.Message)
	delete(v.byTopic, string(m.Body()))
	m.Release()
}

// offer queues the last messages of the topics that begin with prefix to a pipe, the oldest first. It reports whether the
// caller is to write them.
func (v *lastValues) offer(p *engine.Pipe, prefix string) (write bool) {
	for e := v.recent.Back(); e != nil; e = e.Prev() {
		m := e.Value.(*msg.Message)
		if strings.HasPrefix(string(m.Body()), prefix) {
			mine, _ := p.Offer(nil, nil, m.Clone(), nil, engine.DropNewest)
			write = write || mine
		}
	}
	return write
}

func (v *lastValues) clear() {
	for v.recent.Len() > 0 {
		v.forget(v.recent.Back())
	}
}
