// SPDX-License-Identifier: MIT

package sendqueue

import (
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// Frames is the queue of a stream of bytes: messages are encoded as they come.
type Frames struct {
	session      *wire.Session
	framing      wire.Framing // the session's, nearer: every message needs it
	pend, flight *encoded     // nil while there is nothing to write
	tail         chunkTail    // of previously pending messages
	partial      int          // bytes of the first frame in flight that are written
	prefix       []byte       // control events that are written before it
}

// NewFrames returns an empty queue for a stream that is framed as the session has it.
func NewFrames(s *wire.Session) *Frames { return &Frames{session: s, framing: s.Framing} }

// Put implements Queue.
func (q *Frames) Put(header, body []byte, m *msg.Message) int {
	if q.pend == nil {
		q.begin(newEncoded())
	}
	if m != nil && m.Multipart() { // which patterns send only where the session takes it
		return q.pend.putMultipart(q.session.Multipart, header, m)
	}
	return q.pend.put(q.framing, header, body, m)
}

// PutAll implements Queue.
func (q *Frames) PutAll(header []byte, bodies [][]byte, room int64) (messages int, cost int64) {
	if q.pend == nil {
		q.begin(newEncoded())
	}
	e := q.pend
	before := e.cost()
	for messages < len(bodies) && (messages == 0 || hasRoom(header, bodies[messages], room-e.cost()+before)) {
		if len(bodies[messages]) > maxBlockCopy {
			e.put(q.framing, header, bodies[messages], nil)
			messages++
			continue
		}
		messages += e.putRun(q.framing, header, bodies[messages:], room-e.cost()+before)
	}
	return messages, e.cost() - before
}

// hasRoom reports whether a message of header and body costs no more than room.
func hasRoom(header, body []byte, room int64) bool {
	return int64(msg.Shape{Size: len(header) + len(body)}.Cost()) <= room
}

// begin makes e, which is empty, the pending run. It continues in the chunk of the last one, so that the written part of
// that counts as used.
func (q *Frames) begin(e *encoded) {
	q.pend = e
	if e != nil {
		e.tail = q.tail
	}
}

// PutShared implements Queue: pipes of one framing share the frame.
func (q *Frames) PutShared(l *FrameLog) int {
	if q.pend == nil {
		q.begin(newEncoded())
	}
	return q.pend.putShared(l.frame(q.framing))
}

// Pending implements Queue.
func (q *Frames) Pending() int { return q.pend.len() }

// Drop implements Queue.
func (q *Frames) Drop() int { return q.pend.drop() }

// Take implements Queue.
func (q *Frames) Take(c *Controls) bool {
	if q.flight.len() == 0 && len(q.prefix) == 0 { // else events could end up within a frame
		for len(q.prefix) == 0 && !c.Empty() { // of events that the peer does not understand, nothing is left
			q.control(c.take())
		}
		if q.pend.len() > 0 && c.Empty() { // else messages would overtake events that were queued before
			last := q.flight
			q.flight, q.partial = q.pend, 0
			q.tail = q.flight.tail
			q.tail.entries = 0
			q.begin(last)
		}
	}
	return q.flight.len() > 0 || q.Midway()
}

// control encodes control events.
func (q *Frames) control(events []wire.Control) {
	if commander := q.session.Commander; commander != nil {
		for _, event := range events {
			q.prefix = commander.AppendControl(q.prefix, event)
		}
	}
}

// Midway implements Queue.
func (q *Frames) Midway() bool { return len(q.prefix) > 0 }

// Buffers implements ByteQueue.
func (q *Frames) Buffers(dst [][]byte) (bs [][]byte, size int64) {
	if len(q.prefix) > 0 {
		dst, size = append(dst, q.prefix), int64(len(q.prefix))
	}
	if q.flight.len() > 0 {
		dst, size = q.flight.buffers(dst, q.partial), size+q.flight.size-int64(q.partial)
	}
	return dst, size
}

// Written implements ByteQueue.
func (q *Frames) Written(n int64) (messages int, cost int64) {
	k := min(n, int64(len(q.prefix)))
	n -= k
	if q.prefix = q.prefix[k:]; len(q.prefix) == 0 {
		q.prefix = nil
	}
	e := q.flight
	if e.len() == 0 {
		return 0, 0
	}
	all := e.cost()
	if n == e.size-int64(q.partial) && e.first == 0 {
		messages = e.len()
		e.reset()
		q.partial = 0
		return messages, all
	}
	messages, q.partial = e.written(n, q.partial)
	return messages, all - e.cost()
}

// Unsent implements Queue.
func (q *Frames) Unsent() []msg.Message {
	return append(q.flight.messages(q.session.Multipart), q.pend.messages(q.session.Multipart)...)
}

// Discard implements Queue.
func (q *Frames) Discard() {
	q.flight.free()
	q.pend.free()
	q.flight, q.pend, q.prefix = nil, nil, nil
}

// Idle implements Queue. Messages that remain after the link broke return to the pattern.
func (q *Frames) Idle() {
	if q.flight.len() == 0 && q.pend.len() == 0 {
		q.Discard()
	}
}
