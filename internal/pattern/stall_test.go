// SPDX-License-Identifier: MIT

package pattern

import (
	"testing"
	"testing/synctest"
	"time"
)

// The time of blocked callers is counted while they are blocked, and not twice.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stall
		check := func(want int) {
			t.Helper()
			if got := s.total(); got != time.Duration(want)*time.Second {
				t.Errorf("blocked for %v, want %d s", got, want)
			}
		}
		a := s.begin(false)
		time.Sleep(time.Second)
		check(1)
		b := s.begin(false)
		time.Sleep(2 * time.Second)
		check(5)
		s.end(a)
		time.Sleep(time.Second)
		check(6)
		s.end(b)
		s.end(s.begin(true))
		time.Sleep(time.Hour)
		check(6)
		if s.calls != 2 {
			t.Errorf("%d calls", s.calls)
		}
	})
}
