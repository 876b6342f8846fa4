// SPDX-License-Identifier: MIT

//go:build !unix

package engine

import "net"

// A directWriter does not exist where a descriptor cannot be written without waiting.
type directWriter struct{}

func newDirectWriter(net.Conn) *directWriter { return nil }

func (*directWriter) write(net.Buffers) (int64, error) {
	panic("engine: no direct writer on this system")
}

// Nor does a directReader.
type directReader struct{}

func newDirectReader(net.Conn, *streamReader) *directReader { return nil }

func (*directReader) read() (int, error) { panic("engine: no direct reader on this system") }
