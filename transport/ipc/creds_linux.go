// SPDX-License-Identifier: MIT

package ipc

import (
	"net"
	"syscall"

	"github.com/sprymq/spry/transport"
)

// peerCreds returns the credentials of the connecting or listening process. Nil means that the kernel does not report them.
func peerCreds(c *net.UnixConn) *transport.Creds {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	var cred *syscall.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if controlErr != nil || err != nil {
		return nil
	}
	return &transport.Creds{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid)}
}
