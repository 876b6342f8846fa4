// SPDX-License-Identifier: MIT

// Package invariant checks the invariants of every socket when a test ends. In a test package that imports it, leak.Check
// also checks that
//
//   - no lock of a socket is held;
//   - counters balance, and no message was dropped with its pipe if the pattern promises to send it by another.
package invariant

import (
	"fmt"
	"slices"
	"time"
	"weak"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/stats"
)

// patience is a watchdog: locks are held for microseconds.
const patience = 20 * time.Second

func init() {
	engine.Observe(&watched)
	leak.Also(func() func() []string { return Begin(nil).End })
}

var watched = watcher{watches: map[*Watch]struct{}{}}

// A watcher tells all watches of the sockets of the process.
type watcher struct {
	mu      lock.Mutex[lock.Watcher]
	watches map[*Watch]struct{}
}

// A Watch remembers the sockets that are made until it ends, without keeping them alive.
type Watch struct {
	of      func(*engine.Socket) bool
	sockets []weak.Pointer[engine.Socket] // guarded by watched.mu, as is found
	found   []string
}

// Begin begins a watch of those sockets for which of reports true, or of all if it is nil. of must not block.
func Begin(of func(*engine.Socket) bool) *Watch {
	if of == nil {
		of = func(*engine.Socket) bool { return true }
	}
	w := &Watch{of: of}
	watched.mu.Lock()
	defer watched.mu.Unlock()
	watched.watches[w] = struct{}{}
	return w
}

// Opened implements engine.Observer.
func (w *watcher) Opened(s *engine.Socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for watch := range w.watches {
		if watch.of(s) {
			watch.addLocked(s)
		}
	}
}

func (w *Watch) addLocked(s *engine.Socket) {
	if n := len(w.sockets); n == cap(w.sockets) { // removes those that have ended
		alive := w.sockets[:0]
		for _, p := range w.sockets {
			if p.Value() != nil {
				alive = append(alive, p)
			}
		}
		w.sockets = alive
	}
	w.sockets = append(w.sockets, weak.Make(s))
}

// Closed implements engine.Observer. A socket may be forgotten before the test ends: it is judged now.
func (w *watcher) Closed(s *engine.Socket) {
	why := figures(s)
	if why == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for watch := range w.watches {
		if watch.of(s) {
			watch.found = append(watch.found, why)
		}
	}
}

// Open returns the sockets that are not closed, in the order in which they were made.
func (w *Watch) Open() (open []*engine.Socket) {
	watched.mu.Lock()
	sockets := slices.Clone(w.sockets)
	watched.mu.Unlock()
	for _, p := range sockets {
		s := p.Value()
		if s == nil {
			continue
		}
		select {
		case <-s.Done():
		default:
			open = append(open, s)
		}
	}
	return open
}

// End ends the watch, and returns the violated invariants.
func (w *Watch) End() []string {
	watched.mu.Lock()
	delete(watched.watches, w)
	found := w.found
	watched.mu.Unlock()
	for _, p := range w.sockets {
		if s := p.Value(); s != nil {
			for _, why := range judge(s, patience) {
				if !slices.Contains(found, why) { // it was found when the socket closed
					found = append(found, why)
				}
			}
		}
	}
	return found
}

// judge looks at one socket, without waiting for ever for a lock.
func judge(s *engine.Socket, patience time.Duration) (found []string) {
	for _, held := range heldLocks(s, patience) {
		found = append(found, fmt.Sprintf("%s: the lock %s is held, and nobody works any more", s.Name(), held))
	}
	if len(found) > 0 {
		return found // asking for figures would wait for it
	}
	answers := make(chan string, 1)
	err := scope.New().Go(func() { answers <- figures(s) }) // takes the locks of endpoints, pipes and queues
	if err != nil {
		return []string{err.Error()}
	}
	select {
	case why := <-answers:
		if why != "" {
			found = append(found, why)
		}
	case <-time.After(patience):
		found = append(found, s.Name()+": a lock of an endpoint, a pipe or a queue is held, and nobody works any more")
	}
	return found
}

// figures says what of a socket's figures cannot be, or nothing.
func figures(s *engine.Socket) string { return wrong(s.Stats(), s.Pattern().Traits()) }

func wrong(st stats.Stats, t engine.Traits) string {
	if why := stats.Unbalanced(st); why != "" {
		return why
	}
	if lost := st.Send.Dropped[reasons.PipeClosed]; lost > 0 && t.ReturnsUnsent {
		return fmt.Sprintf("%s dropped %d messages with their pipe, and promises to send them by another: %+v", st.Name, lost, st.Send)
	}
	return ""
}
