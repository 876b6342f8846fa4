// SPDX-License-Identifier: MIT

package errno

import "golang.org/x/sys/windows"

// The system's error numbers.
const (
	AddrInUse       = windows.WSAEADDRINUSE
	ConnRefused     = windows.WSAECONNREFUSED
	HostUnreachable = windows.WSAEHOSTUNREACH
	NetUnreachable  = windows.WSAENETUNREACH
	TooManyFiles    = windows.WSAEMFILE
)
