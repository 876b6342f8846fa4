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
	mu   lock.Mutex[lock.Registry]
	open map[uint64]weak.Pointer[Socket]
}

func (r *registry) add(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[s.id] = weak.Make(s)
	runtime.AddCleanup(s, r.remove, s.id)
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
	all := make([]*Socket, 0, len(listed.open))
	for _, p := range listed.open {
		if s := p.Value(); s != nil {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Socket) int { return cmp.Compare(a.id, b.id) })
	return all
}
