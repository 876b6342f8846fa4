// SPDX-License-Identifier: MIT

package pattern

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// naive is what topics does, in the simplest way.
type naive []string

func (n naive) match(body string) bool {
	for _, t := range n {
		if strings.HasPrefix(body, t) {
			return true
		}
	}
	return false
}

// FuzzTopics reads a script: each line adds, with "-" takes away, or with "?" looks up what follows.
func FuzzTopics(f *testing.F) {
	f.Add("a.\n?a.b\n-a.\n?a.b\n")
	f.Add("\n?x\n-\n?x")
	f.Add("ab\nab\nabc\n-ab\n?abd\n-ab\n?abd\n-zz")
	f.Fuzz(func(t *testing.T, script string) {
		var set topics
		var model naive
		for line := range strings.SplitSeq(script, "\n") {
			switch {
			case strings.HasPrefix(line, "-"):
				line = line[1:]
				had := false
				for i, have := range model {
					if have == line {
						model, had = append(model[:i:i], model[i+1:]...), true
						break
					}
				}
				if was, last := set.remove(line); was != had || last != (had && !slices.Contains(model, line)) || last == set.has(line) && had {
					t.Fatalf("remove %q: it was there %v, for the last time %v; want %v", line, was, last, had)
				}
			case strings.HasPrefix(line, "?"):
				if got, want := set.match([]byte(line[1:])), model.match(line[1:]); got != want {
					t.Fatalf("match %q among %q: got %v", line[1:], model, got)
				}
			default:
				if first := set.add(line); first == slices.Contains(model, line) {
					t.Fatalf("add %q: the first time %v", line, first)
				}
				model = append(model, line)
			}
		}
		once := map[string]bool{}
		for _, topic := range model {
			once[topic] = true
		}
		if got, want := set.bytes, int64(len(strings.Join(slices.Collect(maps.Keys(once)), ""))); got != want {
			t.Fatalf("the set has %d bytes of topics, want %d", got, want)
		}
		for _, topic := range model {
			if was, _ := set.remove(topic); !was {
				t.Fatalf("%q was not there", topic)
			}
		}
		if set.count() != 0 || len(set.more) != 0 || set.bytes != 0 {
			t.Fatalf("an empty set keeps %d topics, %d counts and %d bytes", set.count(), len(set.more), set.bytes)
		}
	})
}
