// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// A Framer is a protocol that carries messages on a stream of bytes: see [Frame]. One goroutine calls Read while another
// calls Append and End.
type Framer interface {
	// Read reads one message of at most limit bytes, and nothing beyond it. The error of a longer one wraps [ErrTooLarge].
	// After the peer's End it returns [io.EOF], and has read all of that end and nothing beyond it.
	Read(ctx context.Context, below *Bytes, limit int) ([]byte, error)

	// Append appends the frame of a message to the buffers of a write. It may use the message as one of them.
	Append(buffers [][]byte, message []byte) ([][]byte, error)

	// End returns what ends the outgoing direction of the protocol on a stream that stays open.
	End() []byte
}

// Frame attaches a protocol of messages to a stream of bytes. limit is the size of the largest message that is received, in
// bytes; longer ones fail Receive with [ErrTooLarge].
func Frame(below *Bytes, f Framer, limit int) (*Messages, error) {
	b, err := below.Take()
	if err != nil {
		return nil, err
	}
	c := &framedConn{framer: f, below: b, limit: limit}
	if _, ok := f.(answerer); ok {
		c.turn = make(chan struct{}, 1)
	}
	return NewMessages(c), nil
}

// errAnswer is returned by Read of a framer that has something to send.
var errAnswer = errors.New("an answer is due")

// An answerer is a framer that answers what it reads.
type answerer interface {
	Framer

	// answer returns and forgets what is to be sent. It is called by the goroutine that calls Read.
	answer() answer
}

// An answer is bytes that a framer sends by itself.
type answer struct {
	bytes []byte
	last  bool // nothing follows, and the outgoing direction of the stream below ends too
}

// begin waits for the turn to write.
func (c *framedConn) begin(ctx context.Context) error {
	if c.turn == nil {
		return nil
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done lets others write, after the answers that came meanwhile. If those cannot be written, a later call fails.
func (c *framedConn) done(ctx context.Context) {
	if c.turn != nil {
		<-c.turn
		_ = c.sendAnswer(ctx)
	}
}

// answered has the answer of a framer sent: by the goroutine that writes, if there is one. The reader must go on reading, or two
// ends that wait for each other would stop.
func (c *framedConn) answered(ctx context.Context) error {
	a, ok := c.framer.(answerer)
	if !ok {
		return nil
	}
	if due := a.answer(); len(due.bytes) > 0 {
		c.due.Store(&due)
	}
	return c.sendAnswer(ctx)
}

// sendAnswer sends the latest answer, unless another goroutine writes, or this end has ended its direction.
func (c *framedConn) sendAnswer(ctx context.Context) (err error) {
	for err == nil && c.due.Load() != nil {
		select {
		case c.turn <- struct{}{}:
		default:
			return nil
		}
		if due := c.due.Swap(nil); due != nil && !c.ended {
			if err = c.below.Write(ctx, due.bytes); err == nil && due.last {
				c.ended = true
				_ = c.below.CloseWrite(ctx) // some streams cannot
			}
		}
		<-c.turn
	}
	return err
}

// A framedConn is a protocol of messages over bytes.
type framedConn struct {
	framer  Framer
	below   *Bytes
	limit   int
	buffers [][]byte               // of Send
	turn    chan struct{}          // whose it is to write, if the framer has answers; else nil
	due     atomic.Pointer[answer] // the latest, if it is not sent
	ended   bool                   // the outgoing direction
	err     error                  // of the incoming one: its end, or what a broken Read left
}

func (c *framedConn) Receive(ctx context.Context) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	s, err := c.below.stream()
	if err != nil {
		return nil, err
	}
	before := s.consumed
	m, err := c.framer.Read(ctx, c.below, c.limit)
	for err == errAnswer { //nolint:errorlint // it is never wrapped
		before = s.consumed
		if err = c.answered(ctx); err == nil {
			m, err = c.framer.Read(ctx, c.below, c.limit)
		}
	}
	if err != nil && !isEnd(err) {
		_ = c.answered(ctx)
	}
	switch {
	case err == nil:
	case isEnd(err):
		c.err = err
	case s.consumed != before:
		c.err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return m, err
}

func (c *framedConn) Send(ctx context.Context, messages ...[]byte) (err error) {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.done(ctx)
	if c.ended {
		return errEnded
	}
	c.buffers = c.buffers[:0]
	for _, m := range messages {
		if c.buffers, err = c.framer.Append(c.buffers, m); err != nil {
			return err
		}
	}
	err = c.below.Write(ctx, c.buffers...)
	clear(c.buffers)
	return err
}

func (c *framedConn) CloseSend(ctx context.Context) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.done(ctx)
	if c.ended {
		return nil
	}
	if err := c.below.Write(ctx, c.framer.End()); err != nil {
		return err
	}
	c.ended = true
	return nil
}

func (c *framedConn) Close() error { return c.below.Close() }

func tooLarge(n uint64, limit int) error {
	return fmt.Errorf("%w: a message of %d bytes, where at most %d are allowed", ErrTooLarge, n, limit)
}
