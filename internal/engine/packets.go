// SPDX-License-Identifier: MIT

package engine

import "github.com/sprymq/spry/internal/msg"

// Small bodies are copied into blocks, behind each other, of these sizes: larger ones the more there are.
const (
	minCopies = 512
	maxCopies = 32 << 10
)

// packets is a run of messages that are not encoded: for links of whole messages, and within the process.
type packets struct {
	run    []msg.Message
	slab   int    // capacity of the last slab of message values
	copies []byte // block of small bodies; messages own what they point to
}

// put adds a message and returns its size. Header and body end up behind each other, copied if the body is
// small or borrowed.
func (q *packets) put(header, body []byte, m *msg.Message) int {
	var own msg.Message
	switch {
	case m == nil:
		own = q.copyOf(header, body)
	case len(header) == 0:
		own = m.Bare() // it may have come with a header, which is not for this peer
	case m.Len() < byReference && !m.Multipart():
		own = q.copyOf(header, m.Body())
		m.Release()
	default:
		own = m.Take()
		own.SetHeader(append([]byte(nil), header...))
	}
	if len(q.run) == cap(q.run) {
		q.growRun()
	}
	q.run = append(q.run, own)
	return q.sizeOf(len(q.run) - 1)
}

// copyOf returns a message that is a copy of header and body. Small ones share a block, which the garbage collector
// keeps as long as one of them is there.
func (q *packets) copyOf(header, body []byte) msg.Message {
	n := len(header) + len(body)
	if n > maxCopies/4 {
		return msg.OfParts(header, body)
	}
	if n > cap(q.copies)-len(q.copies) {
		q.copies = make([]byte, 0, min(max(4*cap(q.copies), minCopies, n), maxCopies))
	}
	from := len(q.copies)
	q.copies = append(append(q.copies, header...), body...)
	return msg.Received(q.copies[from:len(q.copies):len(q.copies)], len(header), nil)
}

// growRun gives the run more room. It may move: message values are handed out by pointer only once the run was
// taken, and then a new run begins in the unused rest of its memory. Slabs grow while they are filled.
func (q *packets) growRun() {
	q.slab = min(max(q.slab*4, minSlab), maxSlab)
	run := make([]msg.Message, len(q.run), 2*len(q.run)+q.slab)
	copy(run, q.run)
	q.run = run
}

func (q *packets) sizeOf(i int) int { return len(q.run[i].Header()) + q.run[i].Len() }

// take returns the run and begins a new one in the unused rest of its slab.
func (q *packets) take() []msg.Message {
	run := q.run
	q.run = run[len(run):]
	return run[:len(run):len(run)]
}

// drop takes the first message out and returns its size.
func (q *packets) drop() int {
	n := q.sizeOf(0)
	q.run[0].Release()
	q.run = q.run[1:]
	return n
}

func (q *packets) reset() {
	msg.ReleaseAll(q.run)
	*q = packets{}
}

func sizeOfRun(run []msg.Message) (n int64) {
	for i := range run {
		n += int64(len(run[i].Header()) + run[i].Len())
	}
	return n
}

// clean returns run as messages that belong to nobody: without routing header and origin.
func clean(run []msg.Message) []msg.Message {
	out := make([]msg.Message, 0, len(run))
	for i := range run {
		out = append(out, run[i].Bare())
	}
	return out
}
