// SPDX-License-Identifier: MIT

package engine

import (
	"cmp"
	"runtime"
	"slices"
	"weak"

	"github.com/sprymq/spry/internal/lock"
)

// listed are the open sockets of the process, except those with Options.Unlisted. It keeps none of them: one that was forgotten
// without being closed is collected as ever.
var listed = registry{open: make(map[uint64]weak.Pointer[Socket])}

type registry struct {
	mu        lock.Mutex[lock.Registry]
	open      map[uint64]weak.Pointer[Socket]
	followers []*Follower // a slice that is never changed
}

// add lists a socket that has had no event yet.
func (r *registry) add(s *Socket) {
	for _, f := range r.list(s) {
		s.events.attach(f)
	}
}

// list lists a socket, and returns the followers that began before.
func (r *registry) list(s *Socket) []*Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[s.id] = weak.Make(s)
	runtime.AddCleanup(s, r.remove, s.id)
	return r.followers
}

// follow adds a follower, and returns the sockets that were listed before.
func (r *registry) follow(f *Follower) []*Socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers = append(slices.Clip(r.followers), f)
	return r.socketsLocked()
}

// unfollow removes a follower, and returns the sockets that it may follow.
func (r *registry) unfollow(f *Follower) []*Socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers = slices.DeleteFunc(slices.Clone(r.followers), func(o *Follower) bool { return o == f })
	return r.socketsLocked()
}

func (r *registry) remove(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// Sockets returns the open sockets of the process that are listed, in the order in which they were made.
func Sockets() []*Socket {
	listed.mu.Lock()
	defer listed.mu.Unlock()
	return listed.socketsLocked()
}

func (r *registry) socketsLocked() []*Socket {
	all := make([]*Socket, 0, len(r.open))
	for _, p := range r.open {
		if s := p.Value(); s != nil {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Socket) int { return cmp.Compare(a.id, b.id) })
	return all
}
