// SPDX-License-Identifier: MIT

package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
)

var (
	// ErrDetached is returned by a handle whose stream was taken: by a layer, by Conn, or by Detach.
	ErrDetached = errors.New("the stream was taken by another handle")

	// ErrBroken is wrapped by errors of a stream on which an earlier call failed halfway.
	ErrBroken = errors.New("an earlier call failed halfway")

	// ErrTooLarge is wrapped by the errors of messages and lines that are longer than their limit.
	ErrTooLarge = errors.New("too large")
)

// readAhead is the memory that a stream reads into when it is asked for less.
const readAhead = 4 << 10

// Bytes is a handle of a reliable, ordered stream of bytes. Use [Dial], [Listen], [Pipe], [New] or a layer to make one. The
// zero value is a handle without a stream.
type Bytes struct {
	s atomic.Pointer[byteStream]
}

// A byteStream is the stream that one handle at a time owns.
type byteStream struct {
	conn     net.Conn
	layer    Layer       // conn as a layer, or nil
	below    *byteStream // of the layer
	unread   []byte      // read from conn, and not from the stream
	memory   []byte      // that unread lies in
	in, out  direction
	consumed uint64      // bytes that were read from the stream
	closed   atomic.Bool // by Close
}

// New returns the stream of a connection, which it owns from now on.
func New(conn net.Conn) *Bytes { return handle(newByteStream(conn)) }

func newByteStream(conn net.Conn) *byteStream {
	s := &byteStream{conn: conn}
	s.in.setDeadline, s.out.setDeadline = conn.SetReadDeadline, conn.SetWriteDeadline
	return s
}

func handle(s *byteStream) *Bytes {
	b := &Bytes{}
	b.s.Store(s)
	return b
}

// take takes the stream from its handle.
func (b *Bytes) take() (*byteStream, error) {
	s := b.s.Swap(nil)
	if s == nil {
		return nil, ErrDetached
	}
	s.in.unwatch()
	s.out.unwatch()
	return s, nil
}

// stream returns the stream of the handle.
func (b *Bytes) stream() (*byteStream, error) {
	if s := b.s.Load(); s != nil {
		return s, nil
	}
	return nil, ErrDetached
}

// Take returns a new handle of the stream. This handle fails with [ErrDetached] from then on. A function that keeps the
// stream it is given calls Take first.
func (b *Bytes) Take() (*Bytes, error) {
	s, err := b.take()
	if err != nil {
		return nil, err
	}
	return handle(s), nil
}

// Read reads at least one byte, unless p is empty. [io.EOF] is the peer's orderly end.
func (b *Bytes) Read(ctx context.Context, p []byte) (n int, err error) {
	s, err := b.stream()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	if len(s.unread) > 0 {
		n = copy(p, s.unread)
		s.advance(n)
		return n, nil
	}
	n, err = s.in.do(ctx, func() (int, error) { return s.conn.Read(p) })
	s.consumed += uint64(n)
	return n, err
}

// advance takes n bytes off those that were read ahead.
func (s *byteStream) advance(n int) {
	s.unread = s.unread[n:]
	s.consumed += uint64(n)
}

// ReadFull reads len(p) bytes. If the stream ends before the first, the error is [io.EOF]; if it ends later, it is
// [io.ErrUnexpectedEOF].
func (b *Bytes) ReadFull(ctx context.Context, p []byte) error {
	s, err := b.stream()
	if err != nil {
		return err
	}
	n := 0
	for n < len(p) {
		k, err := b.Read(ctx, p[n:])
		if n += k; err != nil && n < len(p) {
			return s.in.partly(n, err)
		}
	}
	return nil
}

// Peek returns the next n bytes without reading them. They are valid until the next call that reads. If there are fewer, it
// returns those and an error.
func (b *Bytes) Peek(ctx context.Context, n int) ([]byte, error) {
	s, err := b.stream()
	if err != nil {
		return nil, err
	}
	for len(s.unread) < n {
		if err := s.more(ctx, n); err != nil {
			if errors.Is(err, io.EOF) && len(s.unread) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return s.unread, err
		}
	}
	return s.unread[:n], nil
}

// more reads once, into memory for at least n unread bytes.
func (s *byteStream) more(ctx context.Context, n int) error {
	k, err := s.in.do(ctx, func() (int, error) { return s.fill(n) })
	if k > 0 {
		return nil
	}
	return err
}

// fill reads ahead once, into memory for at least n unread bytes.
func (s *byteStream) fill(n int) (int, error) {
	if len(s.unread) == cap(s.unread) || cap(s.unread) < n {
		if len(s.memory) < n || len(s.memory) == len(s.unread) {
			s.memory = make([]byte, max(n, readAhead, 2*len(s.memory)))
		}
		s.unread = s.memory[:copy(s.memory, s.unread)]
	}
	have := len(s.unread)
	k, err := s.conn.Read(s.unread[have:cap(s.unread)])
	s.unread = s.unread[:have+k]
	return k, err
}

// Discard reads n bytes and drops them.
func (b *Bytes) Discard(ctx context.Context, n int) error {
	s, err := b.stream()
	if err != nil {
		return err
	}
	for done := 0; done < n; {
		if len(s.unread) == 0 {
			if err := s.more(ctx, 1); err != nil {
				return s.in.partly(done, err)
			}
		}
		k := min(n-done, len(s.unread))
		s.advance(k)
		done += k
	}
	return nil
}

// ReadUntil reads up to and with the first delim, of at least one byte, and returns the bytes before it. They are the
// caller's. If there are more than limit, the error wraps [ErrTooLarge], and nothing is read.
func (b *Bytes) ReadUntil(ctx context.Context, delim []byte, limit int) ([]byte, error) {
	s, err := b.stream()
	if err != nil {
		return nil, err
	}
	for searched := 0; ; {
		if at := bytes.Index(s.unread[searched:], delim); at >= 0 && searched+at <= limit {
			at += searched
			line := slices.Clone(s.unread[:at])
			s.advance(at + len(delim))
			return line, nil
		}
		have := len(s.unread)
		if have >= limit+len(delim) {
			return nil, fmt.Errorf("%w: no %q within %d bytes", ErrTooLarge, delim, limit)
		}
		searched = max(0, have-len(delim)+1)
		if _, err := b.Peek(ctx, have+1); err != nil {
			return nil, err
		}
	}
}

// Write writes the buffers one after the other: all of them or, with an error, an unknown part. It does not keep or change
// them. After an error, the outgoing direction fails with [ErrBroken], unless nothing was written.
func (b *Bytes) Write(ctx context.Context, buffers ...[]byte) error {
	s, err := b.stream()
	if err != nil {
		return err
	}
	n, err := s.out.do(ctx, func() (int, error) {
		if len(buffers) == 1 {
			return s.conn.Write(buffers[0])
		}
		return s.writeAll(buffers)
	})
	switch {
	case err == nil:
		return nil
	case n == 0 && s.layer != nil && !isTransparent(s.layer):
		return s.out.fail(n, err) // the layer may have written a part of what it made of the buffers
	}
	return s.out.partly(n, err)
}

// CloseWrite ends the outgoing direction. It fails with [errors.ErrUnsupported] on a stream that cannot end one direction
// alone.
func (b *Bytes) CloseWrite(ctx context.Context) error {
	s, err := b.stream()
	if err != nil {
		return err
	}
	_, err = s.out.do(ctx, func() (int, error) { return 0, closeWrite(s.conn) })
	return err
}

func closeWrite(c net.Conn) error {
	if h, ok := c.(halfCloser); ok {
		return h.CloseWrite()
	}
	return fmt.Errorf("%T cannot end its outgoing direction: %w", c, errors.ErrUnsupported)
}

// Close ends the stream at once, in both directions, and makes blocked calls return. It does not wait for the peer. Bytes
// that were written and are on their way may be lost. A second Close does nothing; on a handle whose stream was taken, Close
// returns [ErrDetached] and does nothing either.
func (b *Bytes) Close() error {
	s, err := b.stream()
	if err != nil {
		return err
	}
	if s.closed.Swap(true) {
		return nil
	}
	return s.conn.Close()
}

// LocalAddr is the local address of the lowest connection. It is nil on a handle whose stream was taken.
func (b *Bytes) LocalAddr() net.Addr {
	if s := b.s.Load(); s != nil {
		return s.conn.LocalAddr()
	}
	return nil
}

// RemoteAddr is the address of the peer of the lowest connection. It is nil on a handle whose stream was taken.
func (b *Bytes) RemoteAddr() net.Addr {
	if s := b.s.Load(); s != nil {
		return s.conn.RemoteAddr()
	}
	return nil
}
