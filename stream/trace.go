// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"net"
)

// An Op is an operation that [Trace] or [TraceMessages] reports.
type Op string

// The operations: those of bytes, those of messages, and Close of both.
const (
	OpRead       Op = "read"
	OpWrite      Op = "write"
	OpCloseWrite Op = "close write"
	OpReceive    Op = "receive"
	OpSend       Op = "send"
	OpCloseSend  Op = "close send"
	OpClose      Op = "close"
)

// Trace attaches a layer that calls report after every operation that reaches the stream below, with the bytes that moved
// and the error. report must not keep the bytes. It is called by the goroutine of the operation, so two calls may run at the
// same time: one for each direction. The layer changes no byte.
func Trace(below *Bytes, report func(op Op, moved []byte, err error)) (*Bytes, error) {
	return Wrap(below, func(below net.Conn) (Layer, error) { return &trace{below, report}, nil })
}

type trace struct {
	net.Conn
	report func(op Op, moved []byte, err error)
}

func (t *trace) Transparent() {}

// NetConn returns the connection below.
func (t *trace) NetConn() net.Conn { return t.Conn }

func (t *trace) End(context.Context) ([]byte, error) { return nil, nil }

func (t *trace) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.report(OpRead, p[:n], err)
	return n, err
}

func (t *trace) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.report(OpWrite, p[:n], err)
	return n, err
}

func (t *trace) CloseWrite() error {
	err := closeWrite(t.Conn)
	t.report(OpCloseWrite, nil, err)
	return err
}

func (t *trace) Close() error {
	err := t.Conn.Close()
	t.report(OpClose, nil, err)
	return err
}
