// SPDX-License-Identifier: MIT

package gateway

// A ring has the latest events of a feed. Their offsets count from 1 in an epoch, which is the life of the ring.
type ring struct {
	events   []event // a circle
	head     int     // index of the oldest
	n        int
	next     uint64 // offset of the next event
	bytes    int
	maxBytes int
}

// An event is a message, and the text that streams have of it.
type event struct {
	offset uint64
	body   string
	frames int
	text   []byte // of the default format, with its id
}

// eventCost is what an event costs beyond its body and text.
const eventCost = 128

func (e *event) cost() int { return len(e.body) + cap(e.text) + eventCost }

func newRing(maxEvents, maxBytes int) *ring {
	return &ring{events: make([]event, min(maxEvents, maxBytes/eventCost+1)), next: 1, maxBytes: maxBytes}
}

// add adds an event, which has the offset next. It removes the oldest ones to make room.
func (r *ring) add(e event) {
	if r.n == len(r.events) {
		r.drop()
	}
	e.offset = r.next
	r.events[(r.head+r.n)%len(r.events)] = e
	r.n++
	r.next++
	for r.bytes += e.cost(); r.bytes > r.maxBytes && r.n > 1; {
		r.drop()
	}
}

func (r *ring) drop() {
	oldest := &r.events[r.head]
	r.bytes -= oldest.cost()
	*oldest = event{}
	r.head = (r.head + 1) % len(r.events)
	r.n--
}

// first is the offset of the oldest event, or that of the next one if there is none.
func (r *ring) first() uint64 { return r.next - uint64(r.n) }

// after appends the events after an offset to dst: at most as many as dst has room for, and until they cost maxBytes. missed is how many
// of them are not kept any more.
func (r *ring) after(offset uint64, dst []event, maxBytes int) (_ []event, missed uint64) {
	at := offset + 1
	if first := r.first(); at < first {
		at, missed = first, first-at
	}
	for bytes := 0; at < r.next && len(dst) < cap(dst) && bytes < maxBytes; at++ {
		e := r.events[(r.head+int(at-r.first()))%len(r.events)]
		bytes += e.cost()
		dst = append(dst, e)
	}
	return dst, missed
}

// resume is the offset after which a stream goes on for a client that has seen a position. unknown says that events may be missing that
// cannot be counted: then the stream begins with the oldest one.
func (r *ring) resume(epoch string, seen position) (offset uint64, unknown bool) {
	if seen.epoch != epoch || seen.offset >= r.next {
		return r.first() - 1, true
	}
	return seen.offset, false
}
