// SPDX-License-Identifier: MIT

package engine

import "sync/atomic"

// An Observer is told of every socket of the process. Tests have one, which sees to it that sockets keep their promises;
// programs have none.
type Observer interface {
	// Opened is called with a new socket.
	Opened(s *Socket)

	// Closed is called when a socket has no endpoints, pipes and goroutines any more, before Close returns.
	Closed(s *Socket)
}

var observer atomic.Pointer[Observer]

// Observe has o told of sockets from now on, in place of another.
func Observe(o Observer) { observer.Store(&o) }
