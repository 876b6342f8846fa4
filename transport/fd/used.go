// SPDX-License-Identifier: MIT

package fd

import (
	"fmt"
	"net"

	"github.com/sprymq/spry/internal/lock"
)

// listens are the descriptors that listeners have. Beside each number is the identity of its socket, because the system gives the
// number of a closed descriptor to the next file.
type listens struct {
	mu      lock.Mutex[lock.Descriptors]
	sockets map[int]uint64
}

var listening = listens{sockets: make(map[int]uint64)}

// take returns the listener or the connection that a descriptor is.
func (s *listens) take(n int, dialing bool) (l *socketListener, conn net.Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	about, err := describe(n)
	if err != nil {
		return nil, nil, err
	}
	used, ok := s.sockets[n]
	switch {
	case ok && used == about.socket:
		return nil, nil, fmt.Errorf("another listener has descriptor %d; close that first", n)
	case about.listens && dialing:
		return nil, nil, fmt.Errorf("descriptor %d listens, and is no connection; listen on it, or dial the address that it is bound to", n)
	case about.listens:
		var inner net.Listener
		if inner, err = duplicateListener(n); err == nil {
			l = &socketListener{inner, n, about.socket}
			s.sockets[n] = about.socket
		}
	default:
		conn, err = moveConnection(n)
	}
	return l, conn, err
}

// A socketListener is a listener of a descriptor.
type socketListener struct {
	net.Listener
	fd     int
	socket uint64
}

// Close lets the descriptor be listened on again.
func (l *socketListener) Close() error {
	listening.mu.Lock()
	if listening.sockets[l.fd] == l.socket {
		delete(listening.sockets, l.fd)
	}
	listening.mu.Unlock()
	return l.Listener.Close()
}

// A description is what take needs to know of a stream socket.
type description struct {
	socket  uint64 // tells it from others that have the number at other times, where the system can
	listens bool   // and otherwise it is connected
}
