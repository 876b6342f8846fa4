// SPDX-License-Identifier: MIT

package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// output collects the output of a process and wakes its readers.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	ended   bool
	changed chan struct{} // closed and replaced at each change
}

func newOutput() *output {
	return &output{changed: make(chan struct{})}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	o.notifyLocked()
	return len(p), nil
}

// end says that nothing more comes.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.notifyLocked()
}

func (o *output) notifyLocked() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// snapshot returns the output so far, whether it is complete, and a channel that is closed when more is printed. Printed
// bytes never change, so the slice may be read without the lock.
func (o *output) snapshot() (printed []byte, ended bool, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Bytes(), o.ended, o.changed
}

// forget discards what was printed so far.
func (o *output) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = bytes.Buffer{} // not Reset: a snapshot may still be read
}

func (o *output) bytes() []byte {
	printed, _, _ := o.snapshot()
	return printed
}

// ParseMsgpack splits a sequence of msgpack "bin" values, which is how nngcat, nanocat and spry print bodies
// exactly. With io.ErrUnexpectedEOF the last one is not whole; those before it are returned.
func ParseMsgpack(b []byte) ([][]byte, error) {
	var bodies [][]byte
	for len(b) > 0 {
		var width int
		switch b[0] {
		case 0xc4:
			width = 1
		case 0xc5:
			width = 2
		case 0xc6:
			width = 4
		default:
			return bodies, fmt.Errorf("byte %#02x begins no msgpack bin", b[0])
		}
		if len(b) < 1+width {
			return bodies, io.ErrUnexpectedEOF
		}
		var wide [8]byte
		copy(wide[8-width:], b[1:1+width])
		n := binary.BigEndian.Uint64(wide[:])
		b = b[1+width:]
		if uint64(len(b)) < n {
			return bodies, io.ErrUnexpectedEOF
		}
		bodies = append(bodies, b[:n:n])
		b = b[n:]
	}
	return bodies, nil
}
