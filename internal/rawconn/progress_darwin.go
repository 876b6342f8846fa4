// SPDX-License-Identifier: MIT

package rawconn

import (
	"net"

	"golang.org/x/sys/unix"
)

// EndReceived is not known here before the stream was read to its end.
func EndReceived(net.Conn) bool { return false }

// systemProgress asks the kernel about a socket. It does not say when the last acknowledgement came: whether the peer's
// machine lives is left to its own time limits.
func systemProgress(c net.Conn) (p Progress) {
	if raw := descriptor(c); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			p.Queued, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NWRITE)
			p.Unread, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NREAD)
		})
	}
	return p
}
