// SPDX-License-Identifier: MIT

//go:build !unix

package rawconn

import "net"

// A Peeker does not exist where the bytes of a connection cannot be left there.
type Peeker struct{}

// NewPeeker returns nil.
func NewPeeker(net.Conn) *Peeker { return nil }

// Peek is never called.
func (*Peeker) Peek([]byte, int) (int, error) { panic("rawconn: no peeker on this system") }
