// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"net"
	"slices"
)

// Wrapped is a stream of bytes over another one.
type Wrapped struct {
	*Bytes
	below *byteStream
	layer Layer
}

// A Layer is a connection over another connection, which it closes when it is closed.
type Layer interface {
	net.Conn

	// End ends the layer in both directions, in an orderly way, and leaves the connection below at the first byte of what
	// follows. It returns the bytes that it has read from below and that are not its own.
	End(ctx context.Context) (rest []byte, err error)
}

// Wrap attaches a layer to a stream of bytes. attach makes it over a connection, which it must not read beyond what it
// needs. If attach fails, the stream is closed.
func Wrap(below *Bytes, attach func(below net.Conn) (Layer, error)) (*Wrapped, error) {
	s, err := below.take()
	if err != nil {
		return nil, err
	}
	l, err := attach(s.asConn())
	if err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	return &Wrapped{Bytes: New(l), below: s, layer: l}, nil
}

// Detach ends the layer and returns the stream below it, whole. Bytes that the peer's layer sent and that were not read are
// dropped, at most [MaxDrain]. A layer that changes no byte, as [Throttle] does, drops none: they are read from the stream
// below. On an error the stream is closed.
func (w *Wrapped) Detach(ctx context.Context) (*Bytes, error) {
	s, err := w.take()
	if err != nil {
		return nil, err
	}
	rest, err := w.layer.End(ctx)
	if err != nil {
		_ = w.layer.Close()
		return nil, err
	}
	if _, clear := w.layer.(transparent); clear {
		rest = append(slices.Clone(s.unread), rest...)
	}
	if len(rest) > 0 {
		w.below.unread = append(rest, w.below.unread...)
	}
	return handle(w.below), nil
}

// A transparent layer changes no byte.
type transparent interface{ transparent() }
