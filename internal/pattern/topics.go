// SPDX-License-Identifier: MIT

package pattern

// topics is a set of topics, which are prefixes of bodies, each with a count of how often it was added.
//
// A body is looked up once for every length that a topic of the set has: programs use topics of few lengths,
// and then the size of the set does not matter.
type topics struct {
	exact   bool // topics are whole bodies: groups
	counts  map[string]int
	bytes   int           // of the topics, each once
	lengths []topicLength // ascending
	lookup  int           // sum of the lengths: what it takes to look a long body up
}

type topicLength struct{ length, topics int }

// What one peer may ask for. Without limits, it could make this process remember as much as it cares to send, and look
// every message up for milliseconds.
const (
	maxPeerTopics     = 1 << 20
	maxPeerTopicBytes = 64 << 20
	maxPeerLookup     = 1 << 20 // as with topics of all lengths up to 1447 bytes
)

// roomFor reports whether a peer's set may have one topic more.
func (t *topics) roomFor(topic string) bool {
	n := len(topic)
	return len(t.counts) < maxPeerTopics && n <= maxPeerTopicBytes-t.bytes && (n <= maxPeerLookup-t.lookup || t.hasLength(n))
}

func (t *topics) hasLength(n int) bool {
	i := t.find(n)
	return i < len(t.lengths) && t.lengths[i].length == n
}

// addOnce adds a topic that a peer asks for, however often it does. It reports false if there is no room.
func (t *topics) addOnce(topic string) bool {
	switch {
	case t.has(topic):
	case !t.roomFor(topic):
		return false
	default:
		t.add(topic)
	}
	return true
}

// add adds a topic. It reports whether that was not there.
func (t *topics) add(topic string) (first bool) {
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	t.counts[topic]++
	if t.counts[topic] > 1 {
		return false
	}
	i := t.find(len(topic))
	if !t.hasLength(len(topic)) {
		t.lengths = append(t.lengths, topicLength{})
		copy(t.lengths[i+1:], t.lengths[i:])
		t.lengths[i] = topicLength{length: len(topic)}
		t.lookup += len(topic)
	}
	t.lengths[i].topics++
	t.bytes += len(topic)
	return true
}

// has reports whether topic itself is in the set.
func (t *topics) has(topic string) bool { return t.counts[topic] > 0 }

// remove takes back one add of topic. It reports whether there was one, and whether it was the last.
func (t *topics) remove(topic string) (was, last bool) {
	switch t.counts[topic] {
	case 0:
		return false, false
	case 1:
		delete(t.counts, topic)
	default:
		t.counts[topic]--
		return true, false
	}
	t.bytes -= len(topic)
	i := t.find(len(topic))
	if t.lengths[i].topics--; t.lengths[i].topics == 0 {
		t.lengths = append(t.lengths[:i], t.lengths[i+1:]...)
		t.lookup -= len(topic)
	}
	return true, true
}

// find returns the index of the first length that is not less than n.
func (t *topics) find(n int) int {
	low, high := 0, len(t.lengths)
	for low < high {
		if mid := (low + high) / 2; t.lengths[mid].length < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// all reports whether every body matches.
func (t *topics) all() bool { return !t.exact && len(t.lengths) > 0 && t.lengths[0].length == 0 }

// match reports whether body begins with one of the topics.
func (t *topics) match(body []byte) bool {
	if t.exact {
		return t.counts[string(body)] > 0
	}
	for _, l := range t.lengths {
		if l.length > len(body) {
			return false
		}
		if l.length == 0 {
			return true
		}
		if t.counts[string(body[:l.length])] > 0 {
			return true
		}
	}
	return false
}
