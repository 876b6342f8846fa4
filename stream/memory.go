// SPDX-License-Identifier: MIT

package stream

import (
	"io"
	"net"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// pipeRoom is how many bytes one direction of a Pipe holds.
const pipeRoom = 64 << 10

// Pipe returns the two ends of a stream within the process. Each direction holds 64 KiB, and can be ended alone.
func Pipe() (a, b *Bytes) {
	x, y := newPipe()
	return New(x), New(y)
}

func newPipe() (a, b net.Conn) {
	x, y := newHalfPipe(), newHalfPipe()
	return &pipeEnd{in: x, out: y}, &pipeEnd{in: y, out: x}
}

// A halfPipe is one direction of a Pipe.
type halfPipe struct {
	mu      lock.Mutex[lock.StreamPipe]
	changed chan struct{} // closed and replaced when anything changes
	bytes   []byte
	ended   bool // by the writer: what is here can still be read
	closed  bool // by either end
}

func newHalfPipe() *halfPipe { return &halfPipe{changed: make(chan struct{})} }

// change changes the state of the half and wakes blocked calls.
func (h *halfPipe) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changeLocked(f)
}

func (h *halfPipe) changeLocked(f func()) {
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// wait calls try until it is done, each time after something has changed.
func (h *halfPipe) wait(d *deadline, try func() (done bool)) error {
	for {
		h.mu.Lock()
		if try() {
			h.mu.Unlock()
			return nil
		}
		changed := h.changed
		h.mu.Unlock()
		if err := d.wait(changed); err != nil {
			return err
		}
	}
}

// A pipeEnd is one end of a Pipe.
type pipeEnd struct {
	in, out         *halfPipe
	readBy, writeBy deadline
}

func (e *pipeEnd) Read(p []byte) (n int, err error) {
	werr := e.in.wait(&e.readBy, func() bool {
		switch {
		case e.in.closed:
			err = net.ErrClosed
		case len(e.in.bytes) > 0:
			e.in.changeLocked(func() {
				n = copy(p, e.in.bytes)
				e.in.bytes = e.in.bytes[:copy(e.in.bytes, e.in.bytes[n:])]
			})
		case e.in.ended:
			err = io.EOF
		default:
			return len(p) == 0
		}
		return true
	})
	if werr != nil {
		err = werr
	}
	return n, err
}

func (e *pipeEnd) Write(p []byte) (n int, err error) {
	werr := e.out.wait(&e.writeBy, func() bool {
		if e.out.closed || e.out.ended {
			err = net.ErrClosed
			return true
		}
		if k := min(len(p)-n, pipeRoom-len(e.out.bytes)); k > 0 {
			e.out.changeLocked(func() { e.out.bytes = append(e.out.bytes, p[n:n+k]...) })
			n += k
		}
		return n == len(p)
	})
	if werr != nil {
		err = werr
	}
	return n, err
}

func (e *pipeEnd) CloseWrite() error {
	e.out.change(func() { e.out.ended = true })
	return nil
}

// Close ends both directions. The peer can read what this end has written.
func (e *pipeEnd) Close() error {
	e.out.change(func() { e.out.ended = true })
	e.in.change(func() { e.in.closed, e.in.bytes = true, nil })
	return nil
}

func (e *pipeEnd) LocalAddr() net.Addr  { return pipeAddr{} }
func (e *pipeEnd) RemoteAddr() net.Addr { return pipeAddr{} }

func (e *pipeEnd) SetDeadline(t time.Time) error {
	e.readBy.set(t)
	e.writeBy.set(t)
	return nil
}
func (e *pipeEnd) SetReadDeadline(t time.Time) error  { e.readBy.set(t); return nil }
func (e *pipeEnd) SetWriteDeadline(t time.Time) error { e.writeBy.set(t); return nil }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
