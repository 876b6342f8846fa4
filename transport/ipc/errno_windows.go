// SPDX-License-Identifier: MIT

package ipc

import "golang.org/x/sys/windows"

// The system's error numbers; the names of package syscall have other values here.
const (
	errAddrInUse   = windows.WSAEADDRINUSE
	errConnRefused = windows.WSAECONNREFUSED
)
