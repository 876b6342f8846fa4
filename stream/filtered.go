// SPDX-License-Identifier: MIT

package stream

import "context"

// Filtered is a stream of messages over another one.
type Filtered struct {
	*Messages
	below *Messages
}

// Filter attaches a layer to a stream of messages. attach returns the layer over the stream, which Filter takes for it.
func Filter(below *Messages, attach func(below *Messages) MessageConn) (*Filtered, error) {
	b, err := below.Take()
	if err != nil {
		return nil, err
	}
	return &Filtered{Messages: NewMessages(attach(b)), below: b}, nil
}

// Detach returns the stream below the layer. A layer that delays messages, and so has a method Flush(ctx) error, is flushed
// first; if that fails, the stream is closed.
func (f *Filtered) Detach(ctx context.Context) (*Messages, error) {
	c, err := f.take()
	if err != nil {
		return nil, err
	}
	if l, ok := c.(interface {
		Flush(ctx context.Context) error
	}); ok {
		if err := l.Flush(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	return f.below.Take()
}
