// SPDX-License-Identifier: MIT

package engine

import (
	"strconv"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/unfinished"
)

func TestBrake(t *testing.T) {
	var b brake
	now := time.Unix(1e9, 0)
	guess := func(from unfinished.Source) time.Duration {
		s, delay := b.begin(from, now)
		if s == nil {
			t.Fatal("an attempt alone is refused")
		}
		b.end(s, true, now)
		return delay
	}
	one, other := sourceNamed("one"), sourceNamed("other")
	for i, ms := range []int64{0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000} {
		if got := guess(one); got.Milliseconds() != ms {
			t.Errorf("guess %d is looked at after %v, want %v ms", i, got, ms)
		}
	}
	if s, delay := b.begin(other, now); delay != 0 {
		t.Errorf("another source waits for %v", delay)
	} else {
		b.end(s, false, now)
	}
	if n := len(b.sources); n != 1 {
		t.Errorf("%d sources are remembered, of which one was refused", n)
	}
	now = now.Add(2 * brakeForget)
	if got := guess(one); got != 1600*time.Millisecond {
		t.Errorf("after a minute: %v, want 1.6 s", got)
	}
	now = now.Add(time.Hour)
	if got := guess(one); got != 0 {
		t.Errorf("after an hour: %v", got)
	}
	for i := range 3 * brakeSources {
		guess(sourceNamed(strconv.Itoa(i)))
	}
	if len(b.sources) != brakeSources || b.recent.Len() != brakeSources {
		t.Errorf("%d sources are remembered", len(b.sources))
	}
}

// Many connections at once guess no faster: a few of them wait, and the others are sent away without a look.
func TestBrakeOfACrowd(t *testing.T) {
	var b brake
	now := time.Unix(1e9, 0)
	from := sourceNamed("crowd")
	first, _ := b.begin(from, now)
	b.end(first, true, now)
	var waiting []*suspect
	for range 1000 {
		if s, delay := b.begin(from, now); s != nil {
			if delay == 0 {
				t.Fatal("no delay")
			}
			waiting = append(waiting, s)
		}
	}
	if len(waiting) != brakeCrowd {
		t.Errorf("%d wait, want %d", len(waiting), brakeCrowd)
	}
	for _, s := range waiting {
		b.end(s, false, now)
	}
	if s, _ := b.begin(from, now); s == nil || s.waiting != 1 {
		t.Errorf("after all have ended: %+v", s)
	}
}

// sourceNamed is the source of an address without a port.
func sourceNamed(name string) unfinished.Source { return unfinished.SourceOf(namedAddr(name), nil) }

type namedAddr string

func (a namedAddr) Network() string { return "test" }
func (a namedAddr) String() string  { return string(a) }
