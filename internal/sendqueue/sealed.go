// SPDX-License-Identifier: MIT

package sendqueue

import (
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// sealAtOnce is about how many bytes are sealed before they are written, so that they are still in the processor's cache.
const sealAtOnce = 64 << 10

// Sealed is the queue of a stream that seals (encrypts) its frames for this connection, one after the other. Sealed frames
// cannot be taken back: messages wait unencoded, and are sealed when they are written.
type Sealed struct {
	Messages
	sealed Frames // of the first messages in flight
}

// NewSealed returns an empty queue for a stream with a session that seals frames.
func NewSealed(s *wire.Session) *Sealed { return &Sealed{sealed: *NewFrames(s)} }

// Take implements Queue.
func (q *Sealed) Take(c *Controls) bool { return q.Messages.Take(c) || q.sealed.Midway() }

// Midway implements Queue.
func (q *Sealed) Midway() bool { return q.Messages.Midway() || q.sealed.Midway() }

// Buffers implements ByteQueue.
func (q *Sealed) Buffers(dst [][]byte) (bs [][]byte, size int64) {
	if q.sealed.flight.len() == 0 {
		q.seal()
	}
	return q.sealed.Buffers(dst)
}

// Written implements ByteQueue.
func (q *Sealed) Written(n int64) (messages int, cost int64) {
	messages, _ = q.sealed.Written(n)
	return messages, q.Sent(messages).Cost
}

// seal encodes control events, and messages behind them.
func (q *Sealed) seal() {
	q.sealed.control(q.Controls())
	if q.sealed.flight == nil {
		q.sealed.flight = newEncoded()
	}
	e, s := q.sealed.flight, q.sealed.session
	run := q.Flight()
	for i := 0; i < len(run) && e.size < sealAtOnce; i++ {
		m := &run[i]
		b := e.room(sealedRoom(m))
		from := len(b.bytes)
		if m.Multipart() {
			b.bytes = s.Multipart.AppendMessage(b.bytes, m.Header(), m)
		} else {
			b.bytes = s.Framing.AppendFrame(b.bytes, m.Header(), m.Body())
		}
		e.extend(b, from)
		e.added(len(b.bytes)-from, 0)
	}
}

// sealedFrameRoom is room for the bytes that a dialect adds to each sealed frame.
const sealedFrameRoom = 64

// sealedRoom is how long a message can become: each word of its header may be a frame.
func sealedRoom(m *msg.Message) int {
	return (len(m.Header())+1+m.Count())*sealedFrameRoom + m.Len()
}

// Unsent implements Queue.
func (q *Sealed) Unsent() []msg.Message {
	q.sealed.Discard()
	return q.Messages.Unsent()
}

// Discard implements Queue.
func (q *Sealed) Discard() {
	q.sealed.Discard()
	q.Messages.Discard()
}

// Idle implements Queue.
func (q *Sealed) Idle() {
	q.sealed.Idle()
	q.Messages.Idle()
}
