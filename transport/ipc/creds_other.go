// SPDX-License-Identifier: MIT

//go:build !(linux || darwin || freebsd)

package ipc

import (
	"net"

	"github.com/sprymq/spry/transport"
)

// peerCreds is nil: this system does not report credentials.
func peerCreds(*net.UnixConn) *transport.Creds { return nil }
