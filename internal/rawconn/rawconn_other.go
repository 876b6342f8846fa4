// SPDX-License-Identifier: MIT

//go:build !unix

package rawconn

import "net"

// A Writer does not exist where a descriptor cannot be written without waiting.
type Writer struct{}

// NewWriter returns nil.
func NewWriter(net.Conn) *Writer { return nil }

// Write is never called.
func (*Writer) Write(net.Buffers) (int64, error) {
	panic("rawconn: no direct writer on this system")
}

// Nor does a Reader.
type Reader struct{}

// NewReader returns nil.
func NewReader(net.Conn, Sink) *Reader { return nil }

// Read is never called.
func (*Reader) Read() (int, error) { panic("rawconn: no direct reader on this system") }
