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

// A Peeker looks at the first bytes of a kernel's connection and leaves them there.
type Peeker struct {
	conn net.Conn
	raw  syscall.RawConn
}

// NewPeeker returns a peeker, or nil where there is no descriptor.
func NewPeeker(c net.Conn) *Peeker {
	raw := descriptor(c)
	if raw == nil {
		return nil
	}
	return &Peeker{c, raw}
}

// Peek waits until more than have bytes can be read, and copies as many as there are and buf takes. The read deadline of the
// connection applies. io.EOF means that the peer has sent its end, and no more than have bytes before it.
func (p *Peeker) Peek(buf []byte, have int) (n int, err error) {
	var failed error
	err = p.raw.Read(func(fd uintptr) bool {
		for {
			n, _, failed = syscall.Recvfrom(int(fd), buf, syscall.MSG_PEEK)
			switch {
			case errors.Is(failed, syscall.EINTR):
				continue
			case errors.Is(failed, syscall.EAGAIN):
				return false
			}
			return failed != nil || n > have || n == 0 || EndReceived(p.conn)
		}
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, os.NewSyscallError("recvfrom", failed)
	case n <= have:
		return n, io.EOF
	}
	return n, nil
}
