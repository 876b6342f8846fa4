// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// boundUnacknowledged has the kernel end a TCP connection whose peer's machine has acknowledged nothing for so long. One that
// does, but has no room, lives.
func boundUnacknowledged(c net.Conn, d time.Duration) {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // dead already, which the first read tells better
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(max(d.Milliseconds(), 1)))
	})
}
