// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"sync/atomic"
)

// A MessageConn is what a message stream is made of: a layer, or a transport of messages. One goroutine calls Receive while
// another calls Send and CloseSend; Close may be called at any time and makes the others return.
type MessageConn interface {
	// Receive returns the next message, which is the caller's. [io.EOF] is the peer's orderly end.
	Receive(ctx context.Context) ([]byte, error)

	// Send sends messages in order, and does not keep them.
	Send(ctx context.Context, messages ...[]byte) error

	// CloseSend ends the outgoing direction; receiving goes on. A second call does nothing.
	CloseSend(ctx context.Context) error

	// Close ends both directions at once.
	Close() error
}

// Messages is a handle of a stream of whole messages, in order and without loss. It is a [MessageConn].
type Messages struct {
	conn atomic.Pointer[MessageConn]
}

// NewMessages returns the stream of a connection, which it owns from now on.
func NewMessages(conn MessageConn) *Messages {
	m := &Messages{}
	m.conn.Store(&conn)
	return m
}

// Take returns a new handle of the stream, and leaves this one without.
func (m *Messages) Take() (*Messages, error) {
	c, err := m.take()
	if err != nil {
		return nil, err
	}
	return NewMessages(c), nil
}

func (m *Messages) take() (MessageConn, error) {
	if c := m.conn.Swap(nil); c != nil {
		return *c, nil
	}
	return nil, ErrDetached
}

func (m *Messages) stream() (MessageConn, error) {
	if c := m.conn.Load(); c != nil {
		return *c, nil
	}
	return nil, ErrDetached
}

// Receive returns the next message, which is the caller's. [io.EOF] is the peer's orderly end.
func (m *Messages) Receive(ctx context.Context) ([]byte, error) {
	c, err := m.stream()
	if err != nil {
		return nil, err
	}
	return c.Receive(ctx)
}

// Send sends messages in order, in as few writes as the layers below can. It does not keep them.
func (m *Messages) Send(ctx context.Context, messages ...[]byte) error {
	c, err := m.stream()
	if err != nil {
		return err
	}
	return c.Send(ctx, messages...)
}

// CloseSend ends the outgoing direction: the peer receives [io.EOF]. Receiving goes on. A second call does nothing.
func (m *Messages) CloseSend(ctx context.Context) error {
	c, err := m.stream()
	if err != nil {
		return err
	}
	return c.CloseSend(ctx)
}

// Close ends the stream at once, and all below it.
func (m *Messages) Close() error {
	c, err := m.stream()
	if err != nil {
		return err
	}
	return c.Close()
}
