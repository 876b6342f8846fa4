// SPDX-License-Identifier: MIT

package engine

import "github.com/sprymq/spry/internal/stats"

// A Buffer has messages that were accepted for a socket and not passed to its pattern yet. Its method takes no other lock than
// the buffer's own.
type Buffer interface {
	// Buffered is the number of messages and their cost in a queue.
	Buffered() (messages int, bytes int64)
}

// AddBuffer makes messages in b count as offered and queued, until RemoveBuffer.
func (s *Socket) AddBuffer(b Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffers == nil {
		s.buffers = make(map[Buffer]struct{})
	}
	s.buffers[b] = struct{}{}
}

// RemoveBuffer undoes AddBuffer.
func (s *Socket) RemoveBuffer(b Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buffers, b)
}

// buffered is what the buffers have.
func (s *Socket) buffered() (st stats.BufferStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.buffers {
		n, bytes := b.Buffered()
		st.Messages += uint64(n)
		st.Bytes += bytes
	}
	return st
}
