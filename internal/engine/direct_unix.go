// SPDX-License-Identifier: MIT

//go:build unix

package engine

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// descriptor returns the descriptor of a connection, or nil. Other types that have one may have a Read and a Write of
// their own, which must not be passed by.
func descriptor(c net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	}
	if err != nil {
		return nil
	}
	return raw
}

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
	raw := descriptor(c)
	if raw == nil {
		return nil
	}
	w := &directWriter{raw: raw}
	w.try = func(fd uintptr) bool {
		w.n, w.err = syscall.Write(int(fd), w.buf)
		return true
	}
	return w
}

// A directReader reads from a socket's descriptor, into memory that it asks for when there is something to be read: a
// connection that nothing comes from takes none.
type directReader struct {
	conn net.Conn
	raw  syscall.RawConn
	try  func(fd uintptr) bool // made once, so that a read does not allocate

	n   int
	err error
}

// newDirectReader returns a reader that reads into into's room, and calls its idle before it waits. It is nil where there is
// no descriptor to be read.
func newDirectReader(c net.Conn, into *streamReader) *directReader {
	raw := descriptor(c)
	if raw == nil {
		return nil
	}
	r := &directReader{conn: c, raw: raw}
	r.try = func(fd uintptr) bool {
		for {
			r.n, r.err = syscall.Read(int(fd), into.room())
			switch {
			case errors.Is(r.err, syscall.EINTR):
				continue
			case errors.Is(r.err, syscall.EAGAIN):
				into.idle()
				return false
			}
			return true
		}
	}
	return r
}

// read waits until there is something to be read, and reads that.
func (r *directReader) read() (n int, err error) {
	err = r.raw.Read(r.try)
	switch {
	case err != nil:
		return 0, err
	case r.err != nil:
		return 0, &net.OpError{
			Op: "read", Net: r.conn.LocalAddr().Network(), Source: r.conn.LocalAddr(), Addr: r.conn.RemoteAddr(),
			Err: os.NewSyscallError("read", r.err),
		}
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
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
