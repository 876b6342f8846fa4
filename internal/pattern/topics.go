// SPDX-License-Identifier: MIT

package pattern

import (
	"strings"

	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
)

// topics is a set of topics, which are prefixes of bodies, each with a count of how often it was added.
type topics struct {
	exact bool // topics are whole bodies: groups
	root  *page[struct{}]
	more  map[string]int // topics that were added more than once: how many times more
	bytes int64          // of the topics, each once
}

// topicNode is the cost of a topic in a set in addition to its bytes, in bytes: its place in a page, its share of the page,
// and the unused rest of its allocation. The memory of a set is at most twice its charge.
const topicNode = 40

// The limits of one peer's topics, so that it cannot use any amount of memory.
const (
	maxPeerTopics     = 1 << 20
	maxPeerTopicBytes = 64 << 20
)

// count is the number of topics.
func (t *topics) count() int { return int(t.root.len()) }

// add adds a topic. It reports whether that was not there.
func (t *topics) add(topic string) (first bool) {
	if t.has(topic) {
		if t.more == nil {
			t.more = make(map[string]int)
		}
		t.more[topic]++
		return false
	}
	t.root = t.root.insert(item[struct{}]{key: topic})
	t.bytes += int64(len(topic))
	return true
}

// has reports whether topic itself is in the set.
func (t *topics) has(topic string) bool {
	p, _ := t.root.find(topic)
	return p != nil
}

// under reports whether a topic begins with prefix.
func (t *topics) under(prefix string) bool {
	key, ok := t.root.ceiling(prefix)
	return ok && strings.HasPrefix(key, prefix)
}

// remove takes back one add of topic. It reports whether there was one, and whether it was the last.
func (t *topics) remove(topic string) (was, last bool) {
	switch n := t.more[topic]; {
	case n > 1:
		t.more[topic]--
		return true, false
	case n == 1:
		if delete(t.more, topic); len(t.more) == 0 {
			t.more = nil // an empty map keeps the memory of a full one
		}
		return true, false
	case !t.has(topic):
		return false, false
	}
	t.root = t.root.remove(topic)
	t.bytes -= int64(len(topic))
	return true, true
}

// clear removes all topics.
func (t *topics) clear() {
	t.root = nil
	t.more, t.bytes = nil, 0
}

// each calls yield with every topic and how often it was added, in their order, until it returns false.
func (t *topics) each(yield func(topic string, times int) bool) {
	t.root.from("", func(it item[struct{}]) bool { return yield(it.key, 1+t.more[it.key]) })
}

// all reports whether every body matches.
func (t *topics) all() bool {
	if t.exact {
		return false
	}
	all, _ := t.root.covers(nil)
	return all
}

// match reports whether body begins with one of the topics.
func (t *topics) match(body []byte) bool {
	matches, _ := t.lookup(body)
	return matches
}

// lookup is match, and how many steps it took.
func (t *topics) lookup(body []byte) (matches bool, steps int) {
	if t.exact {
		return t.root.has(body)
	}
	return t.root.covers(body)
}

// events returns the set as control events of this kind. Later changes are not among them.
func (t *topics) events(kind wire.ControlKind) sendqueue.ControlSource {
	root, next := t.root, ""
	if root == nil {
		return nil
	}
	return func(limit int) (events []wire.Control) {
		size, more := 0, false
		root.from(next, func(it item[struct{}]) bool {
			if more = size >= limit; more {
				next = it.key
				return false
			}
			size += len(it.key) + topicNode
			events = append(events, wire.Control{Kind: kind, Data: []byte(it.key)})
			return true
		})
		if !more {
			root = nil
		}
		return events
	}
}
