// SPDX-License-Identifier: MIT

//go:build !windows

package ipc

import "syscall"

const (
	errAddrInUse   = syscall.EADDRINUSE
	errConnRefused = syscall.ECONNREFUSED
)
