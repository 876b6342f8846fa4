// SPDX-License-Identifier: MIT

//go:build !unix

package tcpnet

import "syscall"

// reuseAddress does nothing: the option means something else here.
func reuseAddress(_, _ string, _ syscall.RawConn) error { return nil }
