// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
)

// ErrReset is wrapped by the errors of a stream of a [Mux] that the peer has closed, or has refused to accept.
var ErrReset = errors.New("the peer has closed the stream")

// ErrMux is wrapped by the error of every stream of a [Mux] that has failed, and of the calls of Mux itself.
var ErrMux = errors.New("the multiplexer has ended")

// MuxOptions configure a [Mux]. The zero value, or nil, means the defaults. The two ends may differ.
type MuxOptions struct {
	// MaxStreams is the most streams that the peer may have open at once. Further ones are refused. 0 means 256.
	MaxStreams int

	// MaxMessage is the size of the largest message that is received, in bytes. 0 means 1 MiB.
	MaxMessage int

	// Window is the memory for received data of one stream that Receive has not taken, in bytes. The peer sends no more until
	// Receive takes it. 0 means 256 KiB, and at least 64 KiB is used.
	Window int
}

// A Mux carries many streams of messages on one stream of bytes. A slow receiver blocks the senders of its own stream only. The
// memory of a Mux is bounded: MaxStreams times Window for data, and MaxMessage for each call of Receive. Its methods are safe
// for concurrent use.
//
// The peer must be a Mux, too. File muxframe.go describes the protocol.
type Mux struct {
	below  *Bytes
	config MuxOptions
	scope  *scope.Scope
	accept chan *muxStream // streams that the peer has opened
	ended  chan struct{}   // closed when the peer has ended the protocol
	done   chan struct{}   // closed when the mux has ended
	err    error           // why; before done is closed
	wake   chan struct{}   // of the writer, with room for one
	join   func()

	mu      lock.Mutex[lock.StreamMux]
	streams map[uint32]*muxStream
	next    uint32        // the number of the next stream that this end opens
	last    uint32        // the number of the latest stream that the peer opened
	theirs  int           // open streams of the peer
	out     []byte        // frames to be written
	writing bool          // frames that have left out are being written
	room    chan struct{} // closed and replaced when frames were written
	ending  bool          // Detach has begun
	dropped int           // bytes that came after that
}

// NewMux attaches a multiplexer to a stream of bytes. One end must be the client; it makes no other difference.
func NewMux(below *Bytes, client bool, o *MuxOptions) (*Mux, error) {
	b, err := below.Take()
	if err != nil {
		return nil, err
	}
	m := &Mux{
		below: b, scope: scope.New(), ended: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
		streams: make(map[uint32]*muxStream), room: make(chan struct{}), next: 2, last: ^uint32(0),
	}
	if client {
		m.next, m.last = 1, 0
	}
	if o != nil {
		m.config = *o
	}
	m.config.setDefaults()
	m.accept = make(chan *muxStream, m.config.MaxStreams)
	m.join = sync.OnceFunc(func() { m.scope.Close(net.ErrClosed) })
	_ = m.scope.Go(m.read)
	_ = m.scope.Go(m.write)
	return m, nil
}

func (o *MuxOptions) setDefaults() {
	if o.MaxStreams <= 0 {
		o.MaxStreams = 256
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 1 << 20
	}
	if o.Window <= 0 {
		o.Window = 256 << 10
	}
	o.Window = min(max(o.Window, muxWindow), maxMuxWindow)
}

// Open opens a stream. It does not wait for the peer: if the peer refuses the stream, its calls fail with [ErrReset].
func (m *Mux) Open(ctx context.Context) (*Messages, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.stateLocked(); err != nil {
		return nil, err
	}
	if m.next >= maxMuxID {
		return nil, fmt.Errorf("%w: all numbers of streams are used", ErrMux)
	}
	s := newMuxStream(m, m.next)
	m.next += 2
	m.streams[s.id] = s
	m.putLocked(muxOpen, s.id, uint32(m.config.Window-muxWindow))
	return NewMessages(s), nil
}

// Accept waits for a stream that the peer opens. After the peer's Detach or Close, the error wraps [ErrMux].
func (m *Mux) Accept(ctx context.Context) (*Messages, error) {
	select {
	case s := <-m.accept:
		return NewMessages(s), nil
	default:
	}
	select {
	case s := <-m.accept:
		return NewMessages(s), nil
	case <-m.ended:
		return nil, fmt.Errorf("%w: the peer has ended it", ErrMux)
	case <-m.done:
		return nil, m.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends all streams at once, and the stream of bytes below. A second Close does nothing.
func (m *Mux) Close() error {
	m.fail(net.ErrClosed)
	err := m.below.Close()
	m.join()
	return err
}

// Detach ends the multiplexer and returns the stream of bytes below it, whole. It writes sent messages, ends all streams, and
// waits for the peer's Detach, dropping at most [MaxDrain] bytes. On an error the stream is closed.
func (m *Mux) Detach(ctx context.Context) (*Bytes, error) {
	err := m.finish()
	if err != nil {
		return nil, err
	}
	if err = m.flushed(ctx); err == nil {
		select {
		case <-m.ended:
		case <-m.done:
			err = m.err
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	m.fail(ErrDetached)
	m.join()
	return m.below.Take()
}

// finish ends the outgoing direction.
func (m *Mux) finish() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
		return m.err
	default:
	}
	if m.ending {
		return fmt.Errorf("%w: Detach has ended it", ErrMux)
	}
	m.ending = true
	m.putLocked(muxFinish, 0, 0)
	for _, s := range m.streams {
		s.changeLocked()
	}
	return nil
}

// flushed waits until all frames are written.
func (m *Mux) flushed(ctx context.Context) error {
	for {
		m.mu.Lock()
		done, room := len(m.out) == 0 && !m.writing, m.room
		m.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-room:
		case <-m.done:
			return m.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stateLocked is an error if the mux accepts no calls any more.
func (m *Mux) stateLocked() error {
	if m.ending {
		return fmt.Errorf("%w: Detach has ended it", ErrMux)
	}
	select {
	case <-m.done:
		return m.err
	case <-m.ended:
		return fmt.Errorf("%w: the peer has ended it", ErrMux)
	default:
		return nil
	}
}

// fail ends the mux. The first error counts.
func (m *Mux) fail(err error) {
	m.mu.Lock()
	select {
	case <-m.done:
		m.mu.Unlock()
		return
	default:
	}
	m.err = fmt.Errorf("%w: %w", ErrMux, err)
	close(m.done)
	m.mu.Unlock()
	m.scope.Cancel(err)
}
