// SPDX-License-Identifier: MIT

package engine

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/sprymq/spry/internal/lock"
)

// A Follower receives the events of all listed sockets of the process, those of later ones from their beginning. It has no goroutine.
// Events wait at their sockets, up to the limit of a loop over [Socket.Events], and are merged there in the same way: however slow a
// follower is, it costs a socket no more than such a loop.
type Follower struct {
	more  chan struct{}
	ended atomic.Bool

	mu      lock.Mutex[lock.Follower]
	waiting []*eventReceiver // of sockets with events; it keeps those sockets
}

// A SocketEvent is an event of a socket.
type SocketEvent struct {
	Socket *Socket
	Event
}

// Follow begins to receive events. The caller must close the follower.
func Follow() *Follower {
	f := &Follower{more: make(chan struct{}, 1)}
	for _, s := range listed.follow(f) {
		s.events.attach(f)
	}
	return f
}

// More returns a channel that has a value when there may be events. The receiver of the value calls Take.
func (f *Follower) More() <-chan struct{} { return f.more }

// Take returns the events that wait, in the order of their times.
func (f *Follower) Take() (all []SocketEvent) {
	f.mu.Lock()
	waiting := f.waiting
	f.waiting = nil
	f.mu.Unlock()
	for _, r := range waiting {
		for _, e := range r.socket.events.take(r) {
			all = append(all, SocketEvent{r.socket, e})
		}
	}
	slices.SortStableFunc(all, func(a, b SocketEvent) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return all
}

// Close ends it.
func (f *Follower) Close() {
	f.ended.Store(true)
	for _, s := range listed.unfollow(f) {
		s.events.detach(f)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = nil
}

// add notes that a socket has events.
func (f *Follower) add(r *eventReceiver) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.Load() {
		return
	}
	f.waiting = append(f.waiting, r)
	select {
	case f.more <- struct{}{}:
	default: // it has a value
	}
}

// attach has the socket's events received by a follower, unless that has ended.
func (v *events) attach(f *Follower) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !f.ended.Load() {
		v.receivers[&eventReceiver{follower: f, socket: v.socket}] = struct{}{}
	}
}

func (v *events) detach(f *Follower) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for r := range v.receivers {
		if r.follower == f {
			delete(v.receivers, r)
		}
	}
}

// take returns the events of a follower's receiver.
func (v *events) take(r *eventReceiver) []Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	batch := r.pending
	r.pending, r.waits = nil, false
	return batch
}
