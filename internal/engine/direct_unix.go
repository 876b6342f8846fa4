// SPDX-License-Identifier: MIT

//go:build unix

package engine

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// A directWriter writes to a socket's descriptor without ever waiting, so that a sender can write by itself.
// Only the holder of a pipe's writer role uses it: RawConn.Write would wait for another writer.
type directWriter struct {
	raw syscall.RawConn
	try func(fd uintptr) bool // made once, so that a write does not allocate

	buf []byte
	n   int
	err error
}

func newDirectWriter(c net.Conn) *directWriter {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	w := &directWriter{raw: raw}
	w.try = func(fd uintptr) bool {
		w.n, w.err = syscall.Write(int(fd), w.buf)
		return true
	}
	return w
}

// write writes as much as the kernel takes now. Taking nothing is no error.
func (w *directWriter) write(bs net.Buffers) (total int64, err error) {
	for _, w.buf = range bs {
		if err := w.raw.Write(w.try); err != nil {
			return total, err
		}
		if w.n > 0 {
			total += int64(w.n)
		}
		switch {
		case errors.Is(w.err, syscall.EAGAIN), errors.Is(w.err, syscall.EINTR):
			return total, nil
		case w.err != nil:
			return total, w.err
		case w.n == 0:
			return total, io.ErrShortWrite
		case w.n < len(w.buf):
			return total, nil
		}
	}
	w.buf = nil
	return total, nil
}
