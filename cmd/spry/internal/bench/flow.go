// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"time"

	"github.com/sprymq/spry"
)

// A flow is messages of the run's size. Those before the first empty message warm up; those between it and the second are
// measured.

// A sink is a socket that sends a flow.
type sink interface {
	Send(ctx context.Context, body []byte) error
	SendMsg(ctx context.Context, m *spry.Message) error
	SendBatch(ctx context.Context, ms []*spry.Message) (int, error)
	Flush(ctx context.Context) error
}

// A source is a socket that receives a flow.
type source interface {
	RecvMsg(ctx context.Context) (*spry.Message, error)
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
}

// batchSize is how many messages a batch has at most.
const batchSize = 64

// chunk is how many messages are sent between two looks at the clock: small messages are cheaper than a look.
func chunk(size int) int64 {
	switch {
	case size < 4<<10:
		return batchSize
	case size < 256<<10:
		return 8
	default:
		return 1
	}
}

// wrapFrom is the size from which the bodies of a batch are handed over instead of copied.
const wrapFrom = 32 << 10

// A sender sends one flow.
type sender struct {
	to    sink
	body  []byte
	mode  string
	batch []*spry.Message
}

func newSender(to sink, w *Work) *sender {
	s := &sender{to: to, body: make([]byte, w.Size), mode: w.Mode}
	for i := range s.body {
		s.body[i] = 'x'
	}
	return s
}

// flow sends the whole of it, and returns how many of the measured part were sent. When stop ends there are no more
// messages, but the marks; ctx bounds these too.
func (s *sender) flow(ctx, stop context.Context, w *Work) (int64, error) {
	sent := int64(0)
	for _, part := range []span{w.warming(), w.measuring()} {
		var err error
		if sent, err = s.part(stop, part); err != nil {
			return sent, err
		}
		if err := s.to.Send(ctx, nil); err != nil {
			return sent, err
		}
	}
	return sent, s.to.Flush(ctx)
}

// part sends until the part or stop ends, which is not an error.
func (s *sender) part(stop context.Context, part span) (sent int64, err error) {
	n := chunk(len(s.body))
	// A socket with room for the message does not ask whether the context has ended.
	for start := time.Now(); err == nil && stop.Err() == nil && !part.over(start, sent); {
		if part.count > 0 {
			n = min(n, part.count-sent)
		}
		var some int64
		some, err = s.send(stop, n)
		sent += some
	}
	if stop.Err() != nil {
		err = nil
	}
	return sent, err
}

// send sends n messages, and returns how many it has sent.
func (s *sender) send(ctx context.Context, n int64) (int64, error) {
	switch s.mode {
	case Batch:
		return s.sendBatch(ctx, int(n))
	case Own:
		for i := range n {
			if err := s.to.SendMsg(ctx, spry.WrapMessage(s.body, nil)); err != nil {
				return i, err
			}
		}
	default:
		for i := range n {
			if err := s.to.Send(ctx, s.body); err != nil {
				return i, err
			}
		}
	}
	return n, nil
}

// sendBatch fills messages that were emptied by being sent.
func (s *sender) sendBatch(ctx context.Context, n int) (int64, error) {
	for len(s.batch) < n {
		s.batch = append(s.batch, spry.NewMessage(min(len(s.body), wrapFrom)))
	}
	batch := s.batch[:n]
	for i := range batch {
		if len(s.body) >= wrapFrom {
			batch[i] = spry.WrapMessage(s.body, nil)
		} else {
			batch[i].Write(s.body)
		}
	}
	sent, err := s.to.SendBatch(ctx, batch)
	return int64(sent), err
}

// A counted is the measured part of a flow as a receiver saw it.
type counted struct {
	messages   int64
	start, end time.Time // from the first mark to the second
	marks      int
}

// take counts a message; done means that the flow has ended.
func (c *counted) take(m *spry.Message) (done bool) {
	if m.Len() > 0 {
		c.messages++
		return false
	}
	if c.marks++; c.marks == 1 {
		c.messages, c.start = 0, time.Now()
		return false
	}
	c.end = time.Now()
	return true
}

// receive receives a flow.
func receive(ctx context.Context, from source, mode string) (c counted, err error) {
	if mode == Batch {
		return receiveBatches(ctx, from)
	}
	for done := false; !done; {
		m, err := from.RecvMsg(ctx)
		if err != nil {
			return c, err
		}
		done = c.take(m)
		m.Release()
	}
	return c, nil
}

func receiveBatches(ctx context.Context, from source) (c counted, err error) {
	batch := make([]*spry.Message, batchSize)
	for done := false; !done; {
		n, err := from.RecvBatch(ctx, batch)
		if err != nil {
			return c, err
		}
		for _, m := range batch[:n] {
			done = done || c.take(m)
		}
		spry.ReleaseMessages(batch[:n])
	}
	return c, nil
}
