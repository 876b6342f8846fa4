// SPDX-License-Identifier: MIT

package queue

import "context"

// A Leader is a source of messages, a pipe, from which who waits for one may read by itself.
type Leader interface {
	// LetLead allows it; idle, called without locks, reports whether nobody waits. Nil forbids it.
	LetLead(idle func() bool)

	// Lead reads until s is woken, ctx ends or somebody else can do it better, which may be at once.
	Lead(ctx context.Context, s Sleeper)

	// Kick makes who leads look whether it has been woken.
	Kick()
}

// AddLeader says where messages come from. If that is one place, who waits may read there.
func (q *Inbox) AddLeader(l Leader) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.leaders == nil {
		q.leaders = make(map[Leader]struct{})
	}
	q.leaders[l] = struct{}{}
	q.chooseLeaderLocked()
}

// RemoveLeader takes back what AddLeader said.
func (q *Inbox) RemoveLeader(l Leader) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.leaders, l)
	q.chooseLeaderLocked()
	l.LetLead(nil)
}

// chooseLeaderLocked finds out who may lead, after one source more or less.
func (q *Inbox) chooseLeaderLocked() {
	var only *Leader
	if len(q.leaders) == 1 && q.err == nil {
		for l := range q.leaders {
			l.LetLead(q.idle)
			only = &l
		}
	}
	if old := q.leader.Swap(only); old != nil && only == nil {
		(*old).LetLead(nil)
	}
}

// idle reports whether nobody waits.
func (q *Inbox) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiters.Empty()
}

// kickLocked tells who leads that it may have been woken.
func (q *Inbox) kickLocked() {
	if l := q.leader.Load(); l != nil {
		(*l).Kick()
	}
}
