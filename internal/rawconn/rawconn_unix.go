// SPDX-License-Identifier: MIT

//go:build unix

package rawconn

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

// A Writer writes to a socket's descriptor without ever waiting, so that a sender can write by itself.
// Only the holder of a pipe's writer role uses it: RawConn.Write would wait for another writer.
type Writer struct {
	raw syscall.RawConn
	try func(fd uintptr) bool // made once, so that a write does not allocate

	buf []byte
	n   int
	err error
}

// NewWriter returns a writer, or nil where there is no descriptor to be written.
func NewWriter(c net.Conn) *Writer {
	raw := descriptor(c)
	if raw == nil {
		return nil
	}
	w := &Writer{raw: raw}
	w.try = func(fd uintptr) bool {
		w.n, w.err = syscall.Write(int(fd), w.buf)
		return true
	}
	return w
}

// A Reader reads from a socket's descriptor, into memory that it asks for when there is something to be read: a
// connection that nothing comes from takes none.
type Reader struct {
	conn net.Conn
	raw  syscall.RawConn
	try  func(fd uintptr) bool // made once, so that a read does not allocate

	n   int
	err error
}

// NewReader returns a reader, or nil where there is no descriptor to be read.
func NewReader(c net.Conn, into Sink) *Reader {
	raw := descriptor(c)
	if raw == nil {
		return nil
	}
	r := &Reader{conn: c, raw: raw}
	r.try = func(fd uintptr) bool {
		for {
			r.n, r.err = syscall.Read(int(fd), into.Room())
			switch {
			case errors.Is(r.err, syscall.EINTR):
				continue
			case errors.Is(r.err, syscall.EAGAIN):
				into.Idle()
				return false
			}
			return true
		}
	}
	return r
}

// Read waits until there is something to be read, and reads that.
func (r *Reader) Read() (n int, err error) {
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

// Write writes as much as the kernel takes now. Taking nothing is no error.
func (w *Writer) Write(bs net.Buffers) (total int64, err error) {
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
