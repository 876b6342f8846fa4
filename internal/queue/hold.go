// SPDX-License-Identifier: MIT

package queue

import "github.com/sprymq/spry/internal/msg"

// Hold withholds the source's messages until Unhold: no turn begins with them, and the rest of the current turn returns to
// the front of the queue. A message that a receiver took before stays taken. The source still accepts messages up to its
// limits.
func (s *Source) Hold() {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || s.held {
		return
	}
	if q.held == nil {
		q.held = make(map[*Source]struct{})
	}
	q.held[s] = struct{}{}
	s.held = true
	q.endTurnLocked(s)
}

// Unhold lets turns begin with the source's messages again, and wakes receivers if there are some.
func (s *Source) Unhold() {
	q := s.inbox
	q.mu.Lock()
	defer q.mu.Unlock()
	if !s.held {
		return
	}
	delete(q.held, s)
	s.held = false
	if s.messages == 0 {
		return
	}
	s.announceLocked(s.messages)
}

// endTurnLocked ends the current turn, if it is one of s, and returns the messages that were not taken to the front of the
// queue.
func (q *Inbox) endTurnLocked(s *Source) {
	t := q.turn.Load()
	if t.source != s {
		return
	}
	rest := t.end()
	s.delivered += uint64(t.n - len(rest))
	q.turn.Store(&noTurn)
	s.beginLocked(-t.bytes)
	if len(rest) == 0 {
		return
	}
	run := make([]msg.Message, len(rest))
	for i, m := range rest {
		run[i] = m.Take()
	}
	s.pushFrontLocked(run)
}
