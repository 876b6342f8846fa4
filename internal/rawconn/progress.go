// SPDX-License-Identifier: MIT

package rawconn

import (
	"net"
	"time"
)

// Progress is how much of the written data the peer's machine has received. The operating system reports it, for its own
// sockets only: the zero value means that nothing is known.
type Progress struct {
	Queued int           // bytes that wait in this system for the peer's to acknowledge or, on the same machine, for its process to read
	Unread int           // bytes that have come and that this process has not read
	Local  bool          // the peer is a process of this machine, and Queued counts the bytes that it has not read
	Owed   bool          // the peer's system has an acknowledgement to send: of bytes in flight, or of a window probe
	Quiet  time.Duration // since the last acknowledgement came; valid if one is owed
}

// A progressConn is a connection of tests that knows its own progress, in the order of the fields of Progress.
type progressConn interface {
	Progress() (queued, unread int, owed bool, quiet time.Duration)
}

// ProgressOf asks for the progress of a connection, which wraps no other.
func ProgressOf(c net.Conn) Progress {
	if t, ok := c.(progressConn); ok {
		var p Progress
		p.Queued, p.Unread, p.Owed, p.Quiet = t.Progress()
		return p
	}
	return systemProgress(c)
}

// localBuffer is the send buffer of a connection within this machine that carries large messages. With less, the two
// processes alternate too often.
const localBuffer = 2 << 20

// EnlargeLocal asks the kernel for a larger send buffer, if the connection is a Unix socket. The system's limit may be lower;
// that costs speed only.
func EnlargeLocal(c net.Conn) {
	k, ok := c.(interface{ SetWriteBuffer(bytes int) error })
	if ok && c.LocalAddr().Network() == "unix" {
		_ = k.SetWriteBuffer(localBuffer)
	}
}

// SetBuffers asks the kernel for buffers of these sizes, unless they are 0, if the connection is one of the kernel's.
func SetBuffers(c net.Conn, read, write int) (err error) {
	k, ok := c.(interface {
		SetReadBuffer(bytes int) error
		SetWriteBuffer(bytes int) error
	})
	if ok && read > 0 {
		err = k.SetReadBuffer(read)
	}
	if ok && write > 0 && err == nil {
		err = k.SetWriteBuffer(write)
	}
	return err
}
