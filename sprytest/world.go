// SPDX-License-Identifier: MIT

package sprytest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/invariant"
)

// A World is what one run of a test has: its network, and the test itself, in virtual time. As in every bubble, the test must not
// call Run, Parallel or Deadline of [testing.T], and its functions of Cleanup run in the bubble.
type World struct {
	*testing.T
	*Net
}

// newWorld returns the world of a run, which ends with the last function of t.Cleanup.
func newWorld(t *testing.T, seed uint64) *World {
	w := &World{T: t, Net: NewNet(seed)}
	watch, excess := invariant.Begin(w.uses), buf.Excess()
	t.Cleanup(func() {
		w.end(watch)
		if n := buf.Excess() - excess; n > 0 {
			t.Errorf("%d references to memory were released more often than taken", n)
		}
		if events := w.Events(); t.Failed() && len(events) > 0 {
			for _, e := range events {
				t.Logf("network: %s", e)
			}
		}
	})
	return w
}

// uses reports whether a socket is one of this world.
func (w *World) uses(s *engine.Socket) bool {
	for _, t := range s.Transports() {
		if h, ok := t.(*Host); ok && h.net == w.Net {
			return true
		}
	}
	return false
}

// Wait waits until every other goroutine of the run waits for something: messages that are under way without latency have then
// arrived, and have been worked on. It is synctest.Wait.
func (w *World) Wait() { synctest.Wait() }

// end checks what a run leaves behind.
func (w *World) end(watch *invariant.Watch) {
	w.Wait()
	failed := w.Failed() // then a socket is open because the test did not get to closing it
	for _, s := range watch.Open() {
		if !failed {
			w.Errorf("the socket %s is open when the run ends; close it, or the program that it belongs to", s.Name())
		}
		_ = s.Close()
	}
	said := watch.End()
	slices.Sort(said)
	for _, why := range slices.Compact(said) {
		w.Errorf("%s", why)
	}
}
