// SPDX-License-Identifier: MIT

package engine

import (
	"container/list"
	"testing"
)

// Beyond the limit the oldest unfinished handshake makes room, whichever of the others have finished.
func TestUnfinishedEvictsTheOldest(t *testing.T) {
	var u unfinished
	closed := make(map[int]bool)
	entries := make(map[int]*list.Element)
	begin := func(i int) (evicted *pendingLink) {
		entries[i], evicted = u.add(&pendingLink{link: streamLink(&fakeConn{closed: func() { closed[i] = true }})}, 3)
		return evicted
	}
	pending := func(i int) *pendingLink { return entries[i].Value.(*pendingLink) }
	for i := range 3 {
		if begin(i) != nil {
			t.Fatal("something is evicted below the limit")
		}
	}
	u.list.Remove(entries[1]) // it has finished
	if begin(3) != nil {
		t.Error("something is evicted though one has finished")
	}
	if e := begin(4); e != pending(0) || !e.evicted.Load() {
		t.Error("the oldest is not evicted")
	}
	if e := begin(5); e != pending(2) {
		t.Error("the second oldest that is left is not evicted")
	}
	u.list.Remove(entries[0]) // an evicted one ends later
	if u.list.Len() != 3 {
		t.Errorf("%d handshakes are unfinished, want 3", u.list.Len())
	}
	u.closeAll()
	for i := range 6 {
		if want := i >= 3; closed[i] != want || pending(i).evicted.Load() != (i == 0 || i == 2) {
			t.Errorf("connection %d: closed by closeAll %v, evicted %v", i, closed[i], pending(i).evicted.Load())
		}
	}
}
