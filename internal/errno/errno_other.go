// SPDX-License-Identifier: MIT

//go:build !windows

package errno

import "syscall"

// The system's error numbers.
const (
	AddrInUse       = syscall.EADDRINUSE
	ConnRefused     = syscall.ECONNREFUSED
	HostUnreachable = syscall.EHOSTUNREACH
	NetUnreachable  = syscall.ENETUNREACH
	TooManyFiles    = syscall.EMFILE
)
