// SPDX-License-Identifier: MIT

package queue

// Drain makes receivers take messages one by one, and calls taken, without locks, after the last one was taken. The current
// turn ends, because the end of a turn that is taken without the lock cannot be observed.
func (q *Inbox) Drain(taken func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return
	}
	q.taken = taken
	s := q.turn.Load().source
	if s == nil {
		return
	}
	if q.endTurnLocked(s); s.messages > 0 && !s.inReady {
		s.inReady = true
		q.ready.push(s)
	}
}

// Empty reports whether no message waits, including those of held sources. It is exact after Drain.
func (q *Inbox) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.emptyLocked()
}

func (q *Inbox) emptyLocked() bool {
	for s := range q.held {
		if s.messages > 0 {
			return false
		}
	}
	return q.ready.empty()
}

// drainedLocked returns the function to call, without the lock, after a message was taken.
func (q *Inbox) drainedLocked(resume func()) func() {
	if !q.emptyLocked() {
		return resume
	}
	taken := q.taken
	return func() {
		if resume != nil {
			resume()
		}
		taken()
	}
}
