// SPDX-License-Identifier: MIT

package engine

// Sizes are how many things a socket remembers that come and go with its connections.
type Sizes struct{ Pipes, EndpointPipes, Handshakes, Undone int }

// SizesOf looks into a socket.
func SizesOf(s *Socket) (z Sizes) {
	s.mu.Lock()
	z.Pipes, z.Undone = len(s.pipes), len(s.past.undone)
	endpoints := s.endpointsLocked()
	s.mu.Unlock()
	for _, e := range endpoints {
		e.mu.Lock()
		z.EndpointPipes += len(e.pipes)
		z.Handshakes += e.unfinished.Len()
		e.mu.Unlock()
	}
	return z
}

// MinUndone is how many past pipes a socket may remember at rest.
const MinUndone = minUndone

// Waiting is how many times a follower has noted that a socket has events.
func (f *Follower) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting)
}

// Receivers is how many loops and followers receive the socket's events.
func (s *Socket) Receivers() int {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return len(s.events.receivers)
}
