// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
)

// ErrNoLayer is returned by Detach if there is no layer to end: the stream is a connection, or the messages are those of a
// transport. The handle keeps its stream.
var ErrNoLayer = errors.New("the stream has no layer to detach")

// A Layer is a connection over another connection, which it closes when it is closed. Implement it, and attach it with
// [Wrap], to make a layer of bytes over bytes.
//
// A layer that changes no byte should also have a method Transparent(). Bytes that were peeked through it and not read are
// then read from the stream below after Detach. Its Read and Write must return exact counts.
type Layer interface {
	net.Conn

	// End ends the layer in both directions, in an orderly way, and leaves the connection below at the first byte of what
	// follows. It returns the bytes that it has read from below and that are not its own.
	End(ctx context.Context) (rest []byte, err error)
}

type transparent interface{ Transparent() }

func isTransparent(l Layer) bool {
	_, ok := l.(transparent)
	return ok
}

// Wrap attaches a layer to a stream of bytes. attach makes it over a connection, which it must not read beyond what it
// needs. If attach fails, the stream is closed.
func Wrap(below *Bytes, attach func(below net.Conn) (Layer, error)) (*Bytes, error) {
	s, err := below.take()
	if err != nil {
		return nil, err
	}
	l, err := attach(s.asConn())
	if err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	top := newByteStream(l)
	top.below, top.layer = s, l
	return handle(top), nil
}

// Detach ends the topmost layer and returns the stream below it, whole. Bytes that the peer's layer sent and that were not
// read are dropped, at most [MaxDrain]. A layer that changes no byte, such as that of [Throttle], drops none. On an error the
// stream is closed, except for [ErrNoLayer] and [ErrDetached].
func (b *Bytes) Detach(ctx context.Context) (below *Bytes, err error) {
	s, err := b.stream()
	if err != nil {
		return nil, err
	}
	if s.layer == nil {
		return nil, ErrNoLayer
	}
	if s, err = b.take(); err != nil {
		return nil, err
	}
	rest, err := s.layer.End(ctx)
	if err != nil {
		_ = s.layer.Close()
		return nil, err
	}
	if isTransparent(s.layer) {
		rest = append(slices.Clone(s.unread), rest...)
	}
	if len(rest) > 0 {
		s.below.unread = append(rest, s.below.unread...)
	}
	return handle(s.below), nil
}

// TLS returns the state of the topmost TLS layer, or nil if the stream has none.
func (b *Bytes) TLS() *tls.ConnectionState {
	if s := b.s.Load(); s != nil {
		return tlsState(s.conn)
	}
	return nil
}
