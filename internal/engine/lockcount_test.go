// SPDX-License-Identifier: MIT

//go:build lockcheck

package engine

import (
	"testing"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A pipe that comes and goes takes the same number of locks however many others there are: it asks none of them. Closing
// the socket takes a fixed number for each.
func TestLocksOfAPipeAmongMany(t *testing.T) {
	var comes, goes, closes []int
	for _, n := range []int{100, 3000} {
		s, e := testSocket(Options{}, &recorder{traits: Traits{ReturnsUnsent: true}})
		session := streamSession(t, sp.Pull, 0)
		for range n {
			streamPipe(t, e, &fakeConn{}, session)
		}
		var p *Pipe
		comes = append(comes, lock.Count(func() { p, _ = streamPipe(t, e, &fakeConn{}, session) }))
		goes = append(goes, lock.Count(func() { p.end(ErrClosed) }))
		closes = append(closes, lock.Count(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})/n)
	}
	t.Logf("locks taken: %d when a pipe comes, %d when it goes, %d for each that is closed", comes, goes, closes)
	if comes[0] != comes[1] || goes[0] != goes[1] || closes[1] > closes[0]+1 {
		t.Error("a pipe among many costs more")
	}
}
