// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"fmt"
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
	return NewMessages(&framedConn{framer: f, below: b, limit: limit}), nil
}

// A framedConn is a protocol of messages over bytes.
type framedConn struct {
	framer  Framer
	below   *Bytes
	limit   int
	buffers [][]byte // of Send
	ended   bool     // the outgoing direction
	err     error    // of the incoming one: its end, or what a broken Read left
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
