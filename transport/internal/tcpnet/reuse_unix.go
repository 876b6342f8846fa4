// SPDX-License-Identifier: MIT

//go:build unix

package tcpnet

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reuseAddress lets a dialer with a source port of its own connect again while the system still remembers the last
// connection from there.
func reuseAddress(_, _ string, c syscall.RawConn) (err error) {
	cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	})
	if cerr != nil {
		return cerr
	}
	return err
}
