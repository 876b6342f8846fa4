// SPDX-License-Identifier: MIT

// Package invariant checks the invariants of every socket when a test ends. In a test package that imports it, leak.Check
// also checks that
//
//   - no lock of a socket is held;
//   - counters balance, and no message was dropped with its pipe if the pattern promises to send it by another.
package invariant

import (
	"fmt"
	"time"
	"weak"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
)

// patience is a watchdog: locks are held for microseconds.
const patience = 20 * time.Second

func init() {
	engine.Observe(&watched)
	leak.Also(func() func() []string {
		watched.begin()
		return watched.end
	})
}

var watched watcher

// A watcher remembers the sockets of a test, without keeping them alive.
type watcher struct {
	mu      lock.Mutex[lock.Watcher]
	on      bool
	sockets []weak.Pointer[engine.Socket]
	found   []string
}

func (w *watcher) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on, w.sockets, w.found = true, nil, nil
}

// Opened implements engine.Observer.
func (w *watcher) Opened(s *engine.Socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.on {
		return
	}
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
	why := returnsAll(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if why != "" && w.on {
		w.found = append(w.found, why)
	}
}

// end returns the violated invariants.
func (w *watcher) end() []string {
	w.mu.Lock()
	sockets, found := w.sockets, w.found
	w.on, w.sockets, w.found = false, nil, nil
	w.mu.Unlock()
	for _, p := range sockets {
		if s := p.Value(); s != nil {
			found = append(found, judge(s, patience)...)
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
	err := scope.New().Go(func() { answers <- returnsAll(s) }) // takes the locks of endpoints, pipes and queues
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

// returnsAll says what of a socket's figures cannot be, or nothing.
func returnsAll(s *engine.Socket) string {
	out := s.Stats().Send
	if lost := out.Dropped[reasons.PipeClosed]; lost > 0 && s.Pattern().Traits().ReturnsUnsent {
		return fmt.Sprintf("%s dropped %d messages with their pipe, and promises to send them by another: %+v", s.Name(), lost, out)
	}
	return ""
}
