// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"sync/atomic"
)

// A MessageConn is the implementation of a stream of messages: a layer, or a transport. One goroutine calls Receive while
// another calls Send and CloseSend. Close may be called at any time and makes the others return.
type MessageConn interface {
	// Receive returns the next message, which belongs to the caller. [io.EOF] is the peer's orderly end.
	Receive(ctx context.Context) ([]byte, error)

	// Send sends messages in order, and does not keep them.
	Send(ctx context.Context, messages ...[]byte) error

	// CloseSend ends the outgoing direction; receiving goes on. A second call does nothing.
	CloseSend(ctx context.Context) error

	// Close ends both directions at once.
	Close() error
}

// Messages is a handle of a stream of whole messages, in order and without loss. It is a [MessageConn]. Make one with a
// layer, such as [Prefix], or with [NewMessages]. The zero value is a handle without a stream.
type Messages struct {
	s atomic.Pointer[messageStream]
}

// A messageStream is the stream that one handle at a time owns.
type messageStream struct {
	conn  MessageConn
	below *Messages // of a filter; else nil
}

// NewMessages returns the stream of a connection, which it owns from now on.
func NewMessages(conn MessageConn) *Messages { return messagesHandle(&messageStream{conn: conn}) }

func messagesHandle(s *messageStream) *Messages {
	m := &Messages{}
	m.s.Store(s)
	return m
}

// Take returns a new handle of the stream. This handle fails with [ErrDetached] from then on. A function that keeps the
// stream it is given calls Take first.
func (m *Messages) Take() (*Messages, error) {
	s, err := m.take()
	if err != nil {
		return nil, err
	}
	return messagesHandle(s), nil
}

func (m *Messages) take() (*messageStream, error) {
	if s := m.s.Swap(nil); s != nil {
		return s, nil
	}
	return nil, ErrDetached
}

func (m *Messages) stream() (*messageStream, error) {
	if s := m.s.Load(); s != nil {
		return s, nil
	}
	return nil, ErrDetached
}

// Receive returns the next message, which belongs to the caller. [io.EOF] is the peer's orderly end.
func (m *Messages) Receive(ctx context.Context) ([]byte, error) {
	s, err := m.stream()
	if err != nil {
		return nil, err
	}
	return s.conn.Receive(ctx)
}

// Send sends messages in order, in as few writes as the layers below can. It does not keep them.
func (m *Messages) Send(ctx context.Context, messages ...[]byte) error {
	s, err := m.stream()
	if err != nil {
		return err
	}
	return s.conn.Send(ctx, messages...)
}

// CloseSend ends the outgoing direction: the peer receives [io.EOF]. Receiving goes on. A second call does nothing.
func (m *Messages) CloseSend(ctx context.Context) error {
	s, err := m.stream()
	if err != nil {
		return err
	}
	return s.conn.CloseSend(ctx)
}

// Close ends the stream at once, and everything below it. On a handle whose stream was taken, it returns [ErrDetached] and
// does nothing.
func (m *Messages) Close() error {
	s, err := m.stream()
	if err != nil {
		return err
	}
	return s.conn.Close()
}

// Detach ends the protocol of messages, with the layers over it, and returns the stream of bytes below, whole. It ends the
// outgoing direction, if CloseSend has not, and drops messages until the peer's end, at most [MaxDrain] bytes. On an error
// the stream is closed, except for [ErrDetached], and for [ErrNoLayer] if there are no bytes below.
func (m *Messages) Detach(ctx context.Context) (below *Bytes, err error) {
	s, err := m.stream()
	if err != nil {
		return nil, err
	}
	layers := []*messageStream{s}
	for s.below != nil {
		if s, err = s.below.stream(); err != nil {
			return nil, err
		}
		layers = append(layers, s)
	}
	framed, ok := s.conn.(*framedConn)
	if !ok {
		return nil, ErrNoLayer
	}
	if _, err = m.take(); err != nil {
		return nil, err
	}
	for _, l := range layers {
		if err = l.flush(ctx); err != nil {
			return nil, err
		}
	}
	if err = endAndDrain(ctx, framed); err != nil {
		_ = framed.Close()
		return nil, err
	}
	return framed.below.Take()
}

// DetachFilter ends the topmost layer of messages over messages and returns the stream below it. If the layer cannot be
// flushed, the stream is closed. [ErrNoLayer] means that the topmost layer is no such layer.
func (m *Messages) DetachFilter(ctx context.Context) (below *Messages, err error) {
	s, err := m.stream()
	if err != nil {
		return nil, err
	}
	if s.below == nil {
		return nil, ErrNoLayer
	}
	if s, err = m.take(); err != nil {
		return nil, err
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	return s.below.Take()
}

// A flusher is a layer that delays messages.
type flusher interface {
	Flush(ctx context.Context) error
}

// flush sends the messages that a layer delays, and closes the stream if that fails.
func (s *messageStream) flush(ctx context.Context) error {
	f, ok := s.conn.(flusher)
	if !ok {
		return nil
	}
	if err := f.Flush(ctx); err != nil {
		_ = s.conn.Close()
		return err
	}
	return nil
}

// Filter attaches a layer to a stream of messages. attach returns the layer over the stream, which Filter takes for it. A
// layer that delays messages has a method Flush(ctx context.Context) error, which sends them; Detach calls it.
func Filter(below *Messages, attach func(below *Messages) MessageConn) (*Messages, error) {
	b, err := below.Take()
	if err != nil {
		return nil, err
	}
	return messagesHandle(&messageStream{conn: attach(b), below: b}), nil
}
