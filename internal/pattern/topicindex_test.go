// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// An indexed is an index with filters, each with a list of its topics.
type indexed struct {
	t       testing.TB
	index   topicIndex
	filters []*filter
	topics  []map[string]bool
	leaving []func() bool // each evicts a filter that has ended from one place, and reports whether there was one
}

func newIndexed(t testing.TB, filters int, exact bool) *indexed {
	x := &indexed{t: t, index: topicIndex{exact: exact}}
	for range filters {
		x.join()
	}
	return x
}

func (x *indexed) join() (i int) {
	x.filters = append(x.filters, &filter{topics: topics{exact: x.index.exact}})
	x.topics = append(x.topics, make(map[string]bool))
	return len(x.filters) - 1
}

func (x *indexed) subscribe(i int, topic string) {
	if !x.topics[i][topic] {
		x.topics[i][topic] = true
		x.filters[i].topics.add(topic)
		x.index.add(x.filters[i], topic)
	}
}

func (x *indexed) cancel(i int, topic string) {
	if x.topics[i][topic] {
		delete(x.topics[i], topic)
		x.filters[i].topics.remove(topic)
		x.index.remove(x.filters[i], topic)
	}
}

// end ends a filter, which leaves its places one by one later; another takes its number.
func (x *indexed) end(i int) {
	t, from, more := x.filters[i], "", true
	t.ended = true
	x.leaving = append(x.leaving, func() bool {
		if more {
			from, more = x.index.evict(t, from)
		}
		return more
	})
	x.filters[i], x.topics[i] = &filter{topics: topics{exact: x.index.exact}}, make(map[string]bool)
}

// leave evicts each filter that has ended from one place, and reports whether there was one.
func (x *indexed) leave() (some bool) {
	for _, one := range x.leaving {
		some = one() || some
	}
	return some
}

// find compares what the index finds with what a loop over all topics does. It returns the steps of the search, and how many
// bytes the body begins with that a topic does.
func (x *indexed) find(body string) (steps, common int) {
	x.t.Helper()
	want := map[*filter]bool{}
	for i, topics := range x.topics {
		for topic := range topics {
			common = max(common, commonLen(topic, body))
			if topic == body || !x.index.exact && strings.HasPrefix(body, topic) {
				want[x.filters[i]] = true
			}
		}
	}
	found, steps := x.index.find([]byte(body), nil)
	for _, t := range found {
		if !want[t] {
			x.t.Fatalf("%.80q is found for a filter that does not want it, or twice", body)
		}
		delete(want, t)
	}
	if len(want) > 0 {
		x.t.Fatalf("%d filters want %.80q, and are not found", len(want), body)
	}
	return steps, common
}

// check says what is wrong with a region of the topics that begin with prefix, and returns how many filters each is in.
func (r *region) check(t testing.TB, prefix string) (filters int) {
	t.Helper()
	if r.branch == nil {
		for i, one := range r.filters {
			if slices.Contains(r.filters[:i], one) {
				t.Fatalf("a filter is twice in the region of %q", prefix)
			}
			if !one.ended && !one.topics.under(prefix) {
				t.Fatalf("a filter without a topic there is in the region of %q", prefix)
			}
		}
		return len(r.filters)
	}
	b := r.branch
	if len(r.filters) > 0 || b.ends.len() == 0 && len(b.regions) < 2 || len(b.firsts) != len(b.regions) {
		t.Fatalf("the branch at %q ends %d filters, and has %d parts for %d bytes", prefix+b.label, b.ends.len(), len(b.regions), len(b.firsts))
	}
	prefix += b.label
	for i, one := range b.ends.list {
		if !one.ended && !one.topics.has(prefix) {
			t.Fatalf("a filter without the topic %q is there", prefix)
		}
		if at, ok := b.ends.at[one]; b.ends.at != nil && (!ok || at != i) {
			t.Fatalf("the map of the filters of %q is wrong", prefix)
		}
	}
	if b.ends.at != nil && len(b.ends.at) != b.ends.len() || b.ends.at == nil && b.ends.len() > listedItems {
		t.Fatalf("%d filters of %q have a map of %d", b.ends.len(), prefix, len(b.ends.at))
	}
	for i, c := range b.firsts {
		if slices.Contains(b.firsts[:i], c) || b.regions[i].empty() {
			t.Fatalf("byte %q after %q is twice there, or for nothing", c, prefix)
		}
		filters += b.regions[i].check(t, prefix+string([]byte{c}))
	}
	return filters + b.ends.len()
}

// An index finds what a loop over all topics finds, whatever comes and goes.
func TestTopicIndexAgainstLoop(t *testing.T) {
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 2))
		alphabet, longest := 1+r.IntN(5), 1+r.IntN(9)
		x := newIndexed(t, 1+r.IntN(50), seed%4 == 3)
		topic := func() string {
			b := make([]byte, r.IntN(longest+1))
			for i := range b {
				b[i] = "\x00ab\xfe\xff"[r.IntN(alphabet)]
			}
			return string(b)
		}
		for i := range 1500 {
			grows := i/300%2 == 0
			switch who := r.IntN(len(x.filters)); {
			case r.IntN(60) == 0:
				x.end(who)
			case grows == (r.IntN(5) > 0):
				x.subscribe(who, topic())
			default:
				for had := range x.topics[who] {
					x.cancel(who, had)
					break
				}
			}
			x.leave()
			x.find(topic())
			if i%50 == 0 {
				x.index.root.check(t, "")
			}
		}
		for i := range x.filters {
			x.end(i)
		}
		for x.leave() {
			x.index.root.check(t, "")
		}
		if !x.index.root.empty() {
			t.Fatalf("seed %d: an index without filters is not empty", seed)
		}
	}
}

// Topics that differ only beyond the bytes that the index uses are told apart by their filters.
func TestTopicIndexOfLongTopics(t *testing.T) {
	x, long := newIndexed(t, 3*regionFilters, false), strings.Repeat("l", indexedBytes+10)
	for i := range x.filters {
		x.subscribe(i, fmt.Sprint(long, i))
		x.subscribe(i, fmt.Sprint(long[:indexedBytes-i%2], i)) // the last byte that the index uses, and the first that it does not
	}
	for i := range x.filters {
		x.find(fmt.Sprint(long, i))
		x.find(fmt.Sprint(long[:indexedBytes-i%2], i))
		x.cancel(i, fmt.Sprint(long, i))
	}
	x.index.root.check(t, "")
	for i := range x.filters {
		x.cancel(i, fmt.Sprint(long[:indexedBytes-i%2], i))
	}
	if !x.index.root.empty() {
		t.Error("an index without topics is not empty")
	}
}

// A filter that ends costs the places that it has in the index, not its topics.
func TestTopicIndexEvictsByPlace(t *testing.T) {
	x := newIndexed(t, 20, false)
	for k := range 5000 {
		x.subscribe(0, fmt.Sprintf("%05d", k))
	}
	for i := range x.filters {
		x.subscribe(i, "one")
		x.subscribe(i, fmt.Sprint("one", i))
	}
	x.end(0)
	steps := 0
	for x.leave() {
		steps++
	}
	if steps > 3 { // all that begin with 0, "one" and what follows it
		t.Errorf("a filter with 5,002 topics is removed in %d steps", steps)
	}
	x.find("00017")
	x.find("one17")
	x.index.root.check(t, "")
}

// FuzzTopicIndex reads a script: the first byte of each line is a filter, the second what it does with the topic that follows.
func FuzzTopicIndex(f *testing.F) {
	f.Add("a+x\nb+x\na?xy\na-x\nb?x")
	f.Add("a+\nb+\nc+\nd+\ne+\nf+\ng+\nh+\ni+\na?\na!\nb?z")
	f.Add("a+k1\nb+k2\nc+k3\nd+k4\ne+k5\nf+k6\ng+k7\nh+k8\ni+k9\nj+k\na?k1\na-k1\nj?k12")
	f.Fuzz(func(t *testing.T, script string) {
		x := newIndexed(t, 20, strings.HasPrefix(script, "="))
		for line := range strings.SplitSeq(script, "\n") {
			if len(line) < 2 {
				continue
			}
			switch who, topic := int(line[0])%len(x.filters), line[2:]; line[1] {
			case '+':
				x.subscribe(who, topic)
			case '-':
				x.cancel(who, topic)
			case '!':
				x.end(who)
			default:
				x.find(topic)
			}
			x.leave()
		}
		x.index.root.check(t, "")
	})
}

// A search visits as many branches as the body has bytes in common with a topic, at most, and the topics of a few filters,
// whatever the number of filters and topics.
func TestTopicIndexSteps(t *testing.T) {
	long := strings.Repeat("x", 1500)
	for name, set := range map[string]struct {
		filters, each int
		topic         func(i, k int) string // k is less than each
	}{
		"nobody":                              {0, 0, nil},
		"one filter":                          {1, 1, func(i, _ int) string { return fmt.Sprintf("topic-%05d", i) }},
		"100 filters":                         {100, 1, func(i, _ int) string { return fmt.Sprintf("topic-%05d", i) }},
		"10,000 filters":                      {10_000, 1, func(i, _ int) string { return fmt.Sprintf("topic-%05d", i) }},
		"one filter, 1,400 nested topics":     {1, 1400, func(_, k int) string { return long[:1+k] }},
		"one filter, 1,400 near misses":       {1, 1400, func(_, k int) string { return long[:k] + "w" }},
		"12 filters, 1,400 nested topics":     {12, 1400, func(_, k int) string { return long[:1+k] }},
		"12 filters, 1,400 near misses":       {12, 1400, func(_, k int) string { return long[:k] + "w" }},
		"1,400 filters, nested topics":        {1400, 1, func(i, _ int) string { return long[:1+i] }},
		"1,000 filters, topics of a kilobyte": {1000, 1, func(i, _ int) string { return fmt.Sprintf("%s%05d", long[:1000], i) }},
	} {
		x := newIndexed(t, set.filters, false)
		for i := range set.filters {
			for k := range set.each {
				x.subscribe(i, set.topic(i, k))
			}
		}
		for _, body := range []string{"", "nobody", "topic-", "topic-none", "topic-00017", "topic-00017-more", long, long[:700] + "w", long[:1000] + "00017"} {
			if steps, common := x.find(body); steps > 1+common+regionFilters {
				t.Errorf("%s: a search for %.20q of %d bytes takes %d steps, and %d bytes are in common", name, body, len(body), steps, common)
			}
		}
		if steps, _ := x.find("nobody"); steps > regionFilters {
			t.Errorf("%s: a message that nobody wants takes %d steps", name, steps)
		}
		found := make([]*filter, 0, set.filters)
		if n := testing.AllocsPerRun(10, func() { found, _ = x.index.find([]byte(long), found[:0]) }); n > 0 {
			t.Errorf("%s: a search takes %v allocations", name, n)
		}
	}
}

// The memory of an index is at most a fifth more than its topics are charged, whoever has them.
func TestTopicIndexMemory(t *testing.T) {
	numbered := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	for name, set := range map[string]struct {
		filters, each int
		topic         func(i, k int) string
	}{
		"one filter, many topics":           {1, 20_000, func(_, k int) string { return numbered(uint32(k)) }},
		"many filters, one topic each":      {5000, 1, func(i, _ int) string { return fmt.Sprintf("topic-%05d", i) }},
		"many filters, one topic":           {5000, 1, func(int, int) string { return "topic" }},
		"20 filters, the same topics":       {20, 2000, func(_, k int) string { return numbered(uint32(k) * 2654435761) }},
		"20 filters, different topics":      {20, 2000, func(i, k int) string { return numbered(uint32(2000*i+k) * 2654435761) }},
		"20 filters, topics of two letters": {20, 2000, func(_, k int) string { return fmt.Sprintf("%011b", k) }},
		"20 filters, nested topics":         {20, 300, func(_, k int) string { return strings.Repeat("n", k) }},
		"combs": {30, 2048, func(i, k int) string {
			if tooth := k % 16; i == 29 && tooth < 15 {
				return fmt.Sprintf("%07b%s1", k/16, strings.Repeat("0", tooth))
			}
			return fmt.Sprintf("%07b%s", k/16, strings.Repeat("0", 16))
		}},
	} {
		charged, topics := int64(0), 0
		grown := func(indexing bool) int64 {
			x := newIndexed(t, set.filters, false)
			before := heapInUse()
			charged, topics = 0, 0
			for i, own := range x.filters {
				for k := range set.each {
					if topic := set.topic(i, k); own.topics.add(topic) {
						charged, topics = charged+int64(len(topic))+topicNode, topics+1
						if indexing {
							x.index.add(own, topic)
						}
					}
				}
			}
			n := heapInUse() - before
			runtime.KeepAlive(x)
			return n
		}
		sets, all := grown(false), grown(true)
		t.Logf("%s: %d topics are charged %d; the sets take %d and the index %d", name, topics, charged, sets, all-sets)
		if index := all - sets; index > charged+charged/5+64<<10 {
			t.Errorf("%s: topics are charged %d, and the index takes %d", name, charged, index)
		}
	}
}

// BenchmarkTopicIndex searches an index of many filters for a body that nobody wants, and for one that one filter wants; and
// an index of many topics of a few filters for a body that begins with all of them, or with none.
func BenchmarkTopicIndex(b *testing.B) {
	long := strings.Repeat("x", 1500)
	run := func(name string, x *indexed, body string) {
		b.Run(name, func(b *testing.B) {
			var found []*filter
			b.ReportAllocs()
			for b.Loop() {
				found, _ = x.index.find([]byte(body), found[:0])
			}
		})
	}
	for _, filters := range []int{1, 100, 10_000} {
		x := newIndexed(b, filters, false)
		for i := range filters {
			x.subscribe(i, fmt.Sprintf("topic-%05d", i))
		}
		run(fmt.Sprintf("%d filters/unwanted", filters), x, "topic-none")
		run(fmt.Sprintf("%d filters/wanted", filters), x, "topic-00000.more")
	}
	for _, filters := range []int{1, 12} {
		nested, near := newIndexed(b, filters, false), newIndexed(b, filters, false)
		for i := range filters {
			for k := range 1400 {
				nested.subscribe(i, long[:1+k])
				near.subscribe(i, long[:k]+"w")
			}
		}
		run(fmt.Sprintf("%d filters/1400 nested topics", filters), nested, long)
		run(fmt.Sprintf("%d filters/1400 near misses", filters), near, long)
	}
}
