// SPDX-License-Identifier: MIT

package sse

// A Ring has the latest events of a feed, for streams that are behind and clients that come back. Their offsets count from 1. It is
// limited by the number of events and by what they cost, but always keeps the latest one.
type Ring[E any] struct {
	events   []E // a circle
	cost     func(e *E) int
	head     int // index of the oldest
	n        int
	next     uint64 // offset of the next event
	bytes    int
	maxBytes int
}

// NewRing returns an empty ring. An event costs at least minCost bytes; cost must always say the same of an event.
func NewRing[E any](maxEvents, maxBytes, minCost int, cost func(e *E) int) *Ring[E] {
	return &Ring[E]{events: make([]E, min(maxEvents, maxBytes/minCost+1)), cost: cost, next: 1, maxBytes: maxBytes}
}

// Next is the offset that the next event will have.
func (r *Ring[E]) Next() uint64 { return r.next }

// Len is the number of events that are kept.
func (r *Ring[E]) Len() int { return r.n }

// Bytes is what they cost.
func (r *Ring[E]) Bytes() int { return r.bytes }

// First is the offset of the oldest event, or that of the next one if there is none.
func (r *Ring[E]) First() uint64 { return r.next - uint64(r.n) }

// Add adds an event. It removes the oldest ones to make room.
func (r *Ring[E]) Add(e E) {
	if r.n == len(r.events) {
		r.drop()
	}
	r.events[(r.head+r.n)%len(r.events)] = e
	r.n++
	r.next++
	for r.bytes += r.cost(&e); r.bytes > r.maxBytes && r.n > 1; {
		r.drop()
	}
}

func (r *Ring[E]) drop() {
	oldest := &r.events[r.head]
	r.bytes -= r.cost(oldest)
	*oldest = *new(E)
	r.head = (r.head + 1) % len(r.events)
	r.n--
}

// After appends the events after an offset to dst: at most as many as dst has room for, and until they cost maxBytes. missed is how many
// of them are not kept any more: the first one has the offset offset+missed+1.
func (r *Ring[E]) After(offset uint64, dst []E, maxBytes int) (_ []E, missed uint64) {
	at := offset + 1
	if first := r.First(); at < first {
		at, missed = first, first-at
	}
	for bytes := 0; at < r.next && len(dst) < cap(dst) && bytes < maxBytes; at++ {
		e := r.events[(r.head+int(at-r.First()))%len(r.events)]
		bytes += r.cost(&e)
		dst = append(dst, e)
	}
	return dst, missed
}

// Resume is the offset after which a stream goes on for a client that has seen a position, where the ring's life is epoch. unknown says
// that events may be missing that cannot be counted: then the stream begins with the oldest one.
func (r *Ring[E]) Resume(epoch string, seen Position) (offset uint64, unknown bool) {
	if seen.Epoch != epoch || seen.Offset >= r.next {
		return r.First() - 1, true
	}
	return seen.Offset, false
}
