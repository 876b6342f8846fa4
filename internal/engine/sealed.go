// SPDX-License-Identifier: MIT

package engine

import (
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// sealAtOnce is about how many bytes are sealed before they are written: what a processor's cache holds.
const sealAtOnce = 64 << 10

// A sealedCarrier carries messages over a stream whose frames are sealed for that connection, one after the other. What
// is sealed cannot be taken back: messages wait as they are, and are sealed when they are written.
type sealedCarrier struct {
	*streamCarrier
	queue sendQueue // the first messages in flight are sealed
}

func (c *sealedCarrier) put(header, body []byte, m *msg.Message) int {
	return c.queue.put(header, body, m, nil)
}
func (c *sealedCarrier) pending() int { return c.queue.pending() }
func (c *sealedCarrier) drop() int    { return c.queue.drop() }

func (c *sealedCarrier) take() bool {
	begun := c.streamCarrier.take()
	messages := c.pipe.out.controls.empty() && c.queue.take() // else messages would overtake events that were queued before
	return begun || messages
}

func (c *sealedCarrier) unsent() []msg.Message {
	c.streamCarrier.discard()
	return c.queue.unsent()
}

func (c *sealedCarrier) discard() {
	c.queue.discard()
	c.streamCarrier.discard()
}

func (c *sealedCarrier) write(wait bool) (messages int, cost int64, err error) {
	if c.flight.len() == 0 {
		c.seal()
	}
	messages, _, err = c.streamCarrier.write(wait)
	return messages, c.queue.sent(messages), err
}

// seal encodes messages into the flight.
func (c *sealedCarrier) seal() {
	if c.flight == nil {
		c.flight = newEncoded()
	}
	e := c.flight
	for i := 0; i < len(c.queue.flight.run) && e.size < sealAtOnce; i++ {
		m := &c.queue.flight.run[i]
		b := e.room(sealedRoom(m))
		from := len(b.bytes)
		if f, ok := c.framing.(wire.Multipart); ok && m.Multipart() {
			b.bytes = f.AppendMessage(b.bytes, m.Header(), m)
		} else {
			b.bytes = c.framing.AppendFrame(b.bytes, m.Header(), m.Body())
		}
		e.extend(b, from)
		e.added(len(b.bytes)-from, 0)
	}
}

// sealedFrameRoom is room for what a dialect puts around each frame that it seals.
const sealedFrameRoom = 64

// sealedRoom is how long a message can become: each word of its header may be a frame.
func sealedRoom(m *msg.Message) int {
	return (len(m.Header())+1+m.Count())*sealedFrameRoom + m.Len()
}

func (c *sealedCarrier) idle() {
	c.streamCarrier.idle()
	c.queue.idle()
}
