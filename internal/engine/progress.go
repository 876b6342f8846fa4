// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"time"

	"github.com/sprymq/spry/transport"
)

// A progress tells how far a connection's peer, or rather its machine, has come with what was written. It comes from the
// operating system, and is about its own sockets only: the zero value says that nothing is known.
type progress struct {
	queued int           // bytes that wait in this system for the peer's to acknowledge or, on the same machine, for its process to read
	unread int           // bytes that have come and that this process has not read
	local  bool          // the peer is a process of this machine, and queued is what it has not read
	owed   bool          // the peer's system has an acknowledgement to send: of bytes in flight, or of a window probe
	quiet  time.Duration // since the last acknowledgement came; valid if one is owed
}

// A progressConn is a connection of tests that knows its own progress, in the order of progress's fields.
type progressConn interface {
	Progress() (queued, unread int, owed bool, quiet time.Duration)
}

// progressOf asks for the progress of a connection.
func progressOf(c net.Conn) progress {
	c = transport.Innermost(c)
	if t, ok := c.(progressConn); ok {
		var p progress
		p.queued, p.unread, p.owed, p.quiet = t.Progress()
		return p
	}
	return systemProgress(c)
}
