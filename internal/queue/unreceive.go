// SPDX-License-Identifier: MIT

package queue

import "github.com/sprymq/spry/internal/msg"

// Of reports whether the source is one of this inbox.
func (s *Source) Of(q *Inbox) bool { return s.inbox == q }

// Unreceive puts messages that were received from this source, one after the other, and that the application has not seen,
// back to the front of the queue. A closed inbox does not take them, which Unreceive reports.
func (s *Source) Unreceive(ms ...*msg.Message) bool {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false
	}
	s.delivered -= uint64(len(ms))
	if s.shed {
		s.droppedLocked(0, 0, len(ms))
		for _, m := range ms {
			m.Release()
		}
		return true
	}
	q.endTurnLocked(s) // its remaining messages come after these
	run := make([]msg.Message, len(ms))
	for i, m := range ms {
		run[i] = m.Take()
	}
	s.pushFrontLocked(run)
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
	back := sizedRun{msgs: run, bytes: cost(run)}
	s.runs.pushFront(back)
	s.changeLocked(len(run), back.bytes)
}
