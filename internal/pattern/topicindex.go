// SPDX-License-Identifier: MIT

package pattern

import (
	"bytes"
	"slices"
	"strings"
)

// A topicIndex finds the filters that want a message, and looks at hardly any other. It is a tree over the beginnings of
// topics. A branch is a beginning that many filters share. Below the branches are regions of a few filters, whose own sets
// of topics then decide. Many topics of one filter that lie in one region take one place in the index.
//
// A search visits the branches that the body begins with, and one region. The branches are at most as many as the bytes that
// the body and some topic begin with in common, and one for the root, whatever the number of filters and topics. The topics
// of filters and the index change together, under the fan-out's lock.
type topicIndex struct {
	exact    bool // topics are whole bodies: groups
	root     region
	searches uint64
}

// A region is all topics with the same beginning: either a branch, or the filters that have such topics.
type region struct {
	filters []*filter
	branch  *branch
}

// A branch divides the topics of a region by the byte after their common beginning.
type branch struct {
	label   string       // the common beginning, from the region's own on
	ends    set[*filter] // filters with the topic that ends here
	firsts  []byte       // the bytes that follow, in no order
	regions []region     // and the topics that go on with each
}

const (
	// regionFilters is how many filters share a region. When one more joins, the region is divided, once: a part with all of
	// them is divided when the next joins that, so that no change of topics takes long.
	regionFilters = 8

	// indexedBytes is how much of a topic the index uses, so that labels can be copied under the lock. Any number of filters
	// share a region if their topics differ only beyond.
	indexedBytes = 4 << 10
)

// find appends the filters that want body, each once. It returns them, and the number of branches that it visited and of
// topic sets that it searched.
func (x *topicIndex) find(body []byte, found []*filter) (all []*filter, steps int) {
	x.searches++
	r, at := &x.root, 0
	for r.branch != nil {
		b := r.branch
		steps++
		if !begins(body[at:], b.label) {
			return found, steps
		}
		at += len(b.label)
		if !x.exact || at == len(body) {
			for _, t := range b.ends.list {
				if t.unseen(x.searches) {
					found = append(found, t)
				}
			}
		}
		if at == len(body) {
			return found, steps
		}
		i := bytes.IndexByte(b.firsts, body[at])
		if i < 0 {
			return found, steps
		}
		r = &b.regions[i]
		at++
	}
	for _, t := range r.filters {
		steps++
		if t.topics.match(body) && t.unseen(x.searches) {
			found = append(found, t)
		}
	}
	return found, steps
}

// unseen reports whether a search finds t for the first time, and t can be sent to.
func (t *filter) unseen(search uint64) bool {
	if t.found == search || t.ended {
		return false
	}
	t.found = search
	return true
}

// add adds a topic of t, which is among t.topics by now.
func (x *topicIndex) add(t *filter, topic string) {
	r, at := &x.root, 0
	for r.branch != nil {
		n := commonLen(r.branch.label, topic[at:])
		if n < len(r.branch.label) {
			r.branch = r.branch.split(n)
		}
		if at += n; at == len(topic) {
			r.branch.ends.add(t)
			return
		}
		r = r.branch.region(topic[at])
		at++
	}
	if slices.Contains(r.filters, t) {
		return
	}
	r.filters = append(r.filters, t)
	if len(r.filters) > regionFilters && at < indexedBytes {
		r.divide(topic[:at])
	}
}

// remove removes a topic of t, which is not among t.topics any more.
func (x *topicIndex) remove(t *filter, topic string) { x.root.remove(t, topic, 0) }

// evict removes t, which has ended, from one place: that of its first topic that is not less than from. It returns what to
// go on from, until no topic is left. The steps are as many as the places, which may be far fewer than the topics.
func (x *topicIndex) evict(t *filter, from string) (next string, more bool) {
	topic, ok := t.topics.root.ceiling(from)
	if !ok {
		return "", false
	}
	if n, all := x.root.remove(t, topic, 0); all {
		topic = t.topics.root.lastWith(topic[:n])
	}
	return topic + "\x00", true
}

// remove removes t from the place of a topic in this region, whose topics begin with topic[:at], unless other topics keep it
// there. It returns whether t has left the place of all topics that begin with topic[:n].
func (r *region) remove(t *filter, topic string, at int) (n int, all bool) {
	b := r.branch
	if b == nil {
		if !t.ended && t.topics.under(topic[:at]) {
			return at, false
		}
		if i := slices.Index(r.filters, t); i >= 0 {
			r.filters = slices.Delete(r.filters, i, i+1)
		}
		return at, true
	}
	if !strings.HasPrefix(topic[at:], b.label) {
		return at, false
	}
	if at += len(b.label); at == len(topic) {
		b.ends.remove(t)
	} else if i := bytes.IndexByte(b.firsts, topic[at]); i >= 0 {
		n, all = b.regions[i].remove(t, topic, at+1)
		if b.regions[i].empty() {
			b.firsts = slices.Delete(b.firsts, i, i+1)
			b.regions = slices.Delete(b.regions, i, i+1)
		}
	}
	r.simplify()
	return n, all
}

func (r *region) empty() bool { return r.branch == nil && len(r.filters) == 0 }

// simplify undoes a branch that divides nothing any more, or too little.
func (r *region) simplify() {
	b := r.branch
	ends, parts := b.ends.len(), len(b.regions)
	switch {
	case ends == 0 && parts == 1 && b.regions[0].branch != nil:
		below := b.regions[0].branch
		below.label = b.label + string(b.firsts) + below.label
		r.branch = below
	case ends == 0 && parts == 1:
		*r = b.regions[0]
	case ends+parts <= regionFilters/2:
		few := slices.Clone(b.ends.list)
		for _, part := range b.regions {
			if part.branch != nil {
				return
			}
			for _, t := range part.filters {
				if !slices.Contains(few, t) {
					few = append(few, t)
				}
			}
		}
		if len(few) <= regionFilters/2 {
			*r = region{filters: few}
		}
	}
}

// divide makes a branch of a region of filters. Their topics in it begin with prefix.
func (r *region) divide(prefix string) {
	shared, some := "", false
	for _, t := range r.filters {
		if t.ended {
			continue // its topics are being removed
		}
		first, _ := t.topics.root.ceiling(prefix)
		if !some {
			shared, some = first[:min(len(first), indexedBytes)], true
		}
		shared = shared[:min(commonLen(shared, first), commonLen(shared, t.topics.root.lastWith(prefix)))]
	}
	b := &branch{label: strings.Clone(shared[len(prefix):])}
	for _, t := range r.filters {
		if !t.ended {
			b.admit(t, shared)
		}
	}
	*r = region{branch: b}
}

// admit adds a filter to every part of a branch where it has topics. All topics of the branch begin with shared.
func (b *branch) admit(t *filter, shared string) {
	seek := shared
	for {
		key, ok := t.topics.root.ceiling(seek)
		if !ok || !strings.HasPrefix(key, shared) {
			return
		}
		if len(key) == len(shared) {
			b.ends.add(t)
			seek = shared + "\x00"
			continue
		}
		c := key[len(shared)]
		r := b.region(c)
		r.filters = append(r.filters, t)
		if c == 0xff {
			return
		}
		seek = shared + string([]byte{c + 1})
	}
}

// split returns a branch for the first n bytes of b's label, with the rest of b below it.
func (b *branch) split(n int) *branch {
	upper := &branch{label: strings.Clone(b.label[:n])}
	upper.region(b.label[n]).branch = b
	b.label = strings.Clone(b.label[n+1:])
	return upper
}

// region returns the region of the topics that go on with c, which may be new.
func (b *branch) region(c byte) *region {
	i := bytes.IndexByte(b.firsts, c)
	if i < 0 {
		i = len(b.firsts)
		if i == cap(b.firsts) { // by less than append would, because most branches stay as they are
			b.firsts = append(make([]byte, 0, i+1+i/4), b.firsts...)
			b.regions = append(make([]region, 0, i+1+i/4), b.regions...)
		}
		b.firsts = append(b.firsts, c)
		b.regions = append(b.regions, region{})
	}
	return &b.regions[i]
}

// commonLen is how many bytes a and b begin with in common.
func commonLen(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
