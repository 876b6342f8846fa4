// SPDX-License-Identifier: MIT

//go:build !js && !wasip1

package ipc

import "syscall"

// maxName is the maximum length of a path or an abstract name in the system's address, without the NUL that ends the one or
// begins the other: 107 on Linux and Windows, 103 on the BSDs and macOS.
const maxName = len(syscall.RawSockaddrUnix{}.Path) - 1
