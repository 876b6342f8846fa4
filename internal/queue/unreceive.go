// SPDX-License-Identifier: MIT

package queue

import "github.com/sprymq/spry/internal/msg"

// Of reports whether the source is one of this inbox.
func (s *Source) Of(q *Inbox) bool { return s.inbox == q }

// Unreceive puts a message that was received from this source, and that the application has not seen, back to the front of
// the queue. A closed inbox does not take it, which Unreceive reports.
func (s *Source) Unreceive(m *msg.Message) bool {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false
	}
	s.delivered--
	if s.shed {
		s.droppedLocked(0, 0, 1)
		m.Release()
		return true
	}
	q.endTurnLocked(s) // its remaining messages come after this message
	s.pushFrontLocked([]msg.Message{m.Take()})
	if q.policy == DropOldest {
		s.dropOldestLocked()
	}
	if !s.held {
		s.announceLocked(s.messages)
	}
	return true
}

// pushFrontLocked puts messages that had left the queue back to its front.
func (s *Source) pushFrontLocked(run []msg.Message) {
	back := sizedRun{run, cost(run)}
	s.runs.pushFront(back)
	s.changeLocked(len(run), back.bytes)
}
