// SPDX-License-Identifier: MIT

//go:build darwin || freebsd

package ipc

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/sprymq/spry/transport"
)

// peerCreds returns the credentials of the connecting or listening process. Nil means that the kernel does not report them.
func peerCreds(c *net.UnixConn) *transport.Creds {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	var cred *unix.Xucred
	pid := -1
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptXucred(int(fd), solLocal, unix.LOCAL_PEERCRED)
		pid = peerPID(int(fd))
	})
	if controlErr != nil || err != nil {
		return nil
	}
	gid := -1
	if cred.Ngroups > 0 {
		gid = int(cred.Groups[0]) // the effective group comes first
	}
	return &transport.Creds{PID: pid, UID: int(cred.Uid), GID: gid}
}
