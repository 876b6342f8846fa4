// SPDX-License-Identifier: MIT

package pattern

import (
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

// released counts the messages that lastValues has given back, each once.
type released map[string]int

func (r released) message(body string) *msg.Message {
	return msg.Wrap([]byte(body), func() { r[body]++ })
}

func (v *lastValues) bodies() (all []string) {
	for _, l := range v.of("") {
		all = append(all, l.topic)
	}
	return all
}

// Of too many topics, the one that was silent for the longest is forgotten.
func TestLastValuesForgetTheSilent(t *testing.T) {
	gone := released{}
	v := newLastValues(3)
	for _, topic := range []string{"a", "b", "c", "a", "d", "e"} {
		v.put(gone.message(topic))
	}
	if got, want := v.bodies(), []string{"a", "d", "e"}; !slices.Equal(got, want) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	if len(v.byTopic) != 3 || gone["a"] != 1 || gone["b"] != 1 || gone["c"] != 1 || len(gone) != 3 {
		t.Errorf("%d topics are known, and given back were %v", len(v.byTopic), gone)
	}
	v.clear()
	if len(v.bodies())+len(v.byTopic) != 0 || gone["a"] != 2 || gone["d"] != 1 || gone["e"] != 1 {
		t.Errorf("after all: %v, %v", v.bodies(), gone)
	}
}

// A topic is a whole first frame, the empty one too, and what is kept of it is its newest message with all frames.
func TestLastValuesAreOfFirstFrames(t *testing.T) {
	v := newLastValues(10)
	for _, value := range []string{"old", "new"} {
		for _, topic := range []string{"a", "", "ab"} {
			m := msg.OfFrames([][]byte{[]byte(topic), []byte(value)})
			v.put(&m)
		}
	}
	if got, want := v.bodies(), []string{"a", "", "ab"}; !slices.Equal(got, want) {
		t.Errorf("topics are %q, want %q", got, want)
	}
	for _, l := range v.byTopic {
		if string(l.m.Bytes()) != l.topic+"new" || l.m.Count() != 2 {
			t.Errorf("of %q is kept %q in %d frames", l.topic, l.m.Bytes(), l.m.Count())
		}
	}
	for prefix, want := range map[string][]string{"a": {"a", "ab"}, "ab": {"ab"}, "b": nil, "": {"a", "", "ab"}} {
		var got []string
		for _, l := range v.of(prefix) {
			got = append(got, l.topic)
		}
		if !slices.Equal(got, want) {
			t.Errorf("to a subscription to %q belong %q, want %q", prefix, got, want)
		}
	}
}
