// SPDX-License-Identifier: MIT

package ipc

import "golang.org/x/sys/windows"

// What the system says; the names of package syscall stand for other numbers here.
const (
	errAddrInUse   = windows.WSAEADDRINUSE
	errConnRefused = windows.WSAECONNREFUSED
)
