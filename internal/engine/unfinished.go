// SPDX-License-Identifier: MIT

package engine

import (
	"cmp"
	"container/heap"
	"container/list"
	"sync/atomic"

	"github.com/sprymq/spry/transport"
)

// unfinished are an endpoint's running handshakes. Their number is limited: a silent peer must not keep others out. The
// source with the most handshakes makes room: of these, the oldest without any data from its peer, or else the one that sent
// data first. So a flood affects only itself. A distant peer sends its first bytes right after it connects, so it outlasts
// silent ones even of its own address.
//
// Adding, removing and evicting take O(log n) steps. All methods are called under the endpoint's lock.
type unfinished struct {
	sources map[source]*sharedSource
	order   sourceHeap // who makes room next is first
	count   int
	began   uint64 // handshakes that ever were
}

// A sharedSource has the unfinished handshakes of one source: silent ones in the order in which they came, others in the order
// in which they spoke.
type sharedSource struct {
	source        source
	silent, heard list.List // of *pendingLink
	index         int       // in the heap
}

// A pendingLink is one connection within its handshake.
type pendingLink struct {
	link    transport.Link
	from    source
	cancel  func() // the user may be asked about it, and take long
	evicted atomic.Bool

	accepted bool // the endpoint closes it when it stops, and no other context than the endpoint's bounds its handshake

	// Under the endpoint's lock.
	at    *sharedSource // nil once it has left
	entry *list.Element // in one of the lists of at
	heard bool
	began uint64
}

// add enters a link. If the limit asks for it, it returns one to be cancelled and closed.
func (u *unfinished) add(p *pendingLink, limit int) (evict *pendingLink) {
	if u.count >= limit && len(u.order) > 0 {
		evict = u.order[0].next()
		evict.evicted.Store(true)
		u.remove(evict)
	}
	s := u.sources[p.from]
	if s == nil {
		if u.sources == nil {
			u.sources = make(map[source]*sharedSource)
		}
		s = &sharedSource{source: p.from, index: -1}
		u.sources[p.from] = s
	}
	u.began++
	u.count++
	p.at, p.began, p.entry = s, u.began, s.silent.PushBack(p)
	if s.index < 0 {
		heap.Push(&u.order, s)
	} else {
		heap.Fix(&u.order, s.index)
	}
	return evict
}

// spoke records that the peer has sent the beginning of a handshake.
func (u *unfinished) spoke(p *pendingLink) {
	s := p.at
	if s == nil || p.heard {
		return
	}
	s.silent.Remove(p.entry)
	p.heard, p.entry = true, s.heard.PushBack(p)
	heap.Fix(&u.order, s.index)
}

// remove takes a link out, if it is still there.
func (u *unfinished) remove(p *pendingLink) {
	s := p.at
	if s == nil {
		return
	}
	if p.heard {
		s.heard.Remove(p.entry)
	} else {
		s.silent.Remove(p.entry)
	}
	p.at, p.entry = nil, nil
	u.count--
	if s.len() > 0 {
		heap.Fix(&u.order, s.index)
		return
	}
	heap.Remove(&u.order, s.index)
	delete(u.sources, s.source)
}

func (u *unfinished) closeAll() {
	for _, s := range u.order {
		for _, l := range []*list.List{&s.silent, &s.heard} {
			for e := l.Front(); e != nil; e = e.Next() {
				_ = e.Value.(*pendingLink).link.Close()
			}
		}
	}
}

func (s *sharedSource) len() int { return s.silent.Len() + s.heard.Len() }

// next is the handshake that makes room if one of this source has to.
func (s *sharedSource) next() *pendingLink {
	first := s.silent.Front()
	if first == nil {
		first = s.heard.Front()
	}
	return first.Value.(*pendingLink)
}

// before orders sources by who makes room first: the one with the most handshakes, then one with a silent peer, then the one
// with the oldest.
func (s *sharedSource) before(t *sharedSource) bool {
	if c := cmp.Compare(s.len(), t.len()); c != 0 {
		return c > 0
	}
	a, b := s.next(), t.next()
	if a.heard != b.heard {
		return b.heard
	}
	return a.began < b.began
}

// A sourceHeap implements heap.Interface.
type sourceHeap []*sharedSource

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h sourceHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push appends a source.
func (h *sourceHeap) Push(x any) {
	s := x.(*sharedSource)
	s.index = len(*h)
	*h = append(*h, s)
}

// Pop takes the last source out.
func (h *sourceHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.index = -1
	return s
}
