// SPDX-License-Identifier: MIT

package pattern

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

// released counts the messages that lastValues has given back, each once.
type released map[string]int

func (r released) message(body string) *msg.Message {
	return msg.Wrap([]byte(body), func() { r[body]++ })
}

// of returns the topics that begin with prefix, the oldest first.
func (v *lastValues) of(prefix string) (topics []string) {
	for l := v.oldest; l != nil; l = l.newer {
		if strings.HasPrefix(l.topic, prefix) {
			topics = append(topics, l.topic)
		}
	}
	return topics
}

// Of too many topics, the one that was silent for the longest is forgotten.
func TestLastValuesForgetTheSilent(t *testing.T) {
	gone := released{}
	v := newLastValues(3)
	for i, topic := range []string{"a", "b", "c", "a", "d", "e"} {
		v.put(gone.message(topic), uint64(i+1))
	}
	if got, want := v.of(""), []string{"a", "d", "e"}; !slices.Equal(got, want) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	if v.topics.len() != 3 || gone["a"] != 1 || gone["b"] != 1 || gone["c"] != 1 || len(gone) != 3 {
		t.Errorf("%d topics are known, and given back were %v", v.topics.len(), gone)
	}
	v.clear()
	if len(v.of("")) != 0 || v.topics != nil || v.bytes != 0 || gone["a"] != 2 || gone["d"] != 1 || gone["e"] != 1 {
		t.Errorf("after all: %v of %d bytes, %v", v.of(""), v.bytes, gone)
	}
}

// A topic is a whole first frame, the empty one too, and what is kept of it is its newest message with all frames.
func TestLastValuesAreOfFirstFrames(t *testing.T) {
	v := newLastValues(10)
	for i, value := range []string{"old", "new"} {
		for _, topic := range []string{"a", "", "ab"} {
			m := msg.OfFrames([][]byte{[]byte(topic), []byte(value)})
			v.put(&m, uint64(i+1))
		}
	}
	if got, want := v.of(""), []string{"a", "", "ab"}; !slices.Equal(got, want) {
		t.Errorf("topics are %q, want %q", got, want)
	}
	for l := v.oldest; l != nil; l = l.newer {
		if string(l.m.Bytes()) != l.topic+"new" || l.m.Count() != 2 {
			t.Errorf("of %q is kept %q in %d frames", l.topic, l.m.Bytes(), l.m.Count())
		}
	}
	for prefix, want := range map[string]int{"a": 2, "ab": 1, "b": 0, "": 3} {
		if got := underPrefix(v.topics, prefix); got != want {
			t.Errorf("to a subscription to %q belong %d topics, want %d", prefix, got, want)
		}
	}
}
