// SPDX-License-Identifier: MIT

// Package unfinished limits how many connections of a listener are at work before they are of use: within a handshake, or while
// their protocol is not known.
package unfinished

import (
	"cmp"
	"container/heap"
	"container/list"
	"iter"
)

// A Set has the unfinished connections of a listener. Their number is limited: a silent peer must not keep others out. The
// source with the most connections makes room: of these, the oldest without any data from its peer, or else the one that sent
// data first. So a flood affects only itself. A distant peer sends its first bytes right after it connects, so it outlasts
// silent ones even of its own address.
//
// Adding, removing and evicting take O(log n) steps. The zero value is an empty set. A set is not safe for concurrent use.
type Set[T any] struct {
	sources map[Source]*shared[T]
	order   order[T] // who makes room next is first
	count   int
	began   uint64 // connections that ever were
}

// An Entry is one unfinished connection. Value and From must not change while it is in a set.
type Entry[T any] struct {
	Value T
	From  Source

	at      *shared[T] // nil once it has left
	element *list.Element
	heard   bool
	began   uint64
}

// A shared has the connections of one source: silent ones in the order in which they came, others in the order in which they
// spoke.
type shared[T any] struct {
	source        Source
	silent, heard list.List // of *Entry[T]
	index         int       // in the heap
}

// Len is the number of connections in the set.
func (s *Set[T]) Len() int { return s.count }

// Add enters a connection. If the limit asks for it, it removes another one and returns that.
func (s *Set[T]) Add(e *Entry[T], limit int) (evicted *Entry[T]) {
	if s.count >= limit && len(s.order) > 0 {
		evicted = s.order[0].next()
		s.Remove(evicted)
	}
	of := s.sources[e.From]
	if of == nil {
		if s.sources == nil {
			s.sources = make(map[Source]*shared[T])
		}
		of = &shared[T]{source: e.From, index: -1}
		s.sources[e.From] = of
	}
	s.began++
	s.count++
	e.at, e.began, e.element = of, s.began, of.silent.PushBack(e)
	if of.index < 0 {
		heap.Push(&s.order, of)
	} else {
		heap.Fix(&s.order, of.index)
	}
	return evicted
}

// Heard records that the peer has sent data.
func (s *Set[T]) Heard(e *Entry[T]) {
	of := e.at
	if of == nil || e.heard {
		return
	}
	of.silent.Remove(e.element)
	e.heard, e.element = true, of.heard.PushBack(e)
	heap.Fix(&s.order, of.index)
}

// Remove takes a connection out, if it is still there.
func (s *Set[T]) Remove(e *Entry[T]) {
	of := e.at
	if of == nil {
		return
	}
	if e.heard {
		of.heard.Remove(e.element)
	} else {
		of.silent.Remove(e.element)
	}
	e.at, e.element = nil, nil
	s.count--
	if of.len() > 0 {
		heap.Fix(&s.order, of.index)
		return
	}
	heap.Remove(&s.order, of.index)
	delete(s.sources, of.source)
}

// All yields the connections, in no order. The set must not change meanwhile.
func (s *Set[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, of := range s.order {
			for _, l := range []*list.List{&of.silent, &of.heard} {
				for e := l.Front(); e != nil; e = e.Next() {
					if !yield(e.Value.(*Entry[T]).Value) {
						return
					}
				}
			}
		}
	}
}

func (s *shared[T]) len() int { return s.silent.Len() + s.heard.Len() }

// next is the connection that makes room if one of this source has to.
func (s *shared[T]) next() *Entry[T] {
	first := s.silent.Front()
	if first == nil {
		first = s.heard.Front()
	}
	return first.Value.(*Entry[T])
}

// before orders sources by who makes room first: the one with the most connections, then one with a silent peer, then the one
// with the oldest.
func (s *shared[T]) before(t *shared[T]) bool {
	if c := cmp.Compare(s.len(), t.len()); c != 0 {
		return c > 0
	}
	a, b := s.next(), t.next()
	if a.heard != b.heard {
		return b.heard
	}
	return a.began < b.began
}

// An order implements heap.Interface.
type order[T any] []*shared[T]

func (h order[T]) Len() int           { return len(h) }
func (h order[T]) Less(i, j int) bool { return h[i].before(h[j]) }
func (h order[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push appends a source.
func (h *order[T]) Push(x any) {
	s := x.(*shared[T])
	s.index = len(*h)
	*h = append(*h, s)
}

// Pop takes the last source out.
func (h *order[T]) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.index = -1
	return s
}
