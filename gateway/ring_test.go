// SPDX-License-Identifier: MIT

package gateway

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A ring is a list from which the oldest are removed, at any size.
func TestRing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		maxEvents, maxBytes := 1+rng.IntN(8), 1+rng.IntN(3000)
		r := newRing(maxEvents, maxBytes)
		var model []event
		for i := range 40 {
			e := event{body: strings.Repeat("x", rng.IntN(600))}
			r.add(e)
			e.offset = uint64(i + 1)
			model = append(model, e)
			cost := func() (sum int) {
				for _, e := range model {
					sum += e.cost()
				}
				return sum
			}
			for len(model) > maxEvents || cost() > maxBytes && len(model) > 1 {
				model = model[1:]
			}
			if r.bytes != cost() || r.n != len(model) || r.first() != model[0].offset {
				t.Fatalf("%d bytes in %d events from %d, want %d in %d from %d", r.bytes, r.n, r.first(), cost(), len(model), model[0].offset)
			}
			offset, room, limit := rng.Uint64N(r.next), rng.IntN(5), 1+rng.IntN(2000)
			got, missed := r.after(offset, make([]event, 0, room), limit)
			want := model[min(len(model), int(max(offset+1, model[0].offset)-model[0].offset)):]
			want = want[:min(room, len(want))]
			bytes := 0
			for i, e := range want {
				if bytes >= limit {
					want = want[:i]
					break
				}
				bytes += e.cost()
			}
			wantMissed := uint64(0)
			if offset+1 < model[0].offset {
				wantMissed = model[0].offset - offset - 1
			}
			if missed != wantMissed || !slices.EqualFunc(got, want, func(a, b event) bool { return a.offset == b.offset && a.body == b.body }) {
				t.Fatalf("after %d: %d events, %d missed, want %d and %d", offset, len(got), missed, len(want), wantMissed)
			}
		}
	}
}

// Where a client goes on that comes back.
func TestResume(t *testing.T) {
	r := newRing(3, 1<<20)
	for range 5 {
		r.add(event{})
	}
	for _, c := range []struct {
		seen    position
		offset  uint64
		unknown bool
	}{
		{position{"e", 5}, 5, false}, // knows all
		{position{"e", 3}, 3, false},
		{position{"e", 2}, 2, false}, // the oldest is the next
		{position{"e", 1}, 1, false}, // one is missing, which can be counted
		{position{"e", 0}, 0, false},
		{position{"e", 6}, 2, true}, // from the future
		{position{"e", 1<<64 - 1}, 2, true},
		{position{"f", 3}, 2, true},
		{position{}, 2, true},
	} {
		if offset, unknown := r.resume("e", c.seen); offset != c.offset || unknown != c.unknown {
			t.Errorf("%v: %d, %v, want %d, %v", c.seen, offset, unknown, c.offset, c.unknown)
		}
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []string{
		"", "-", "e", "e-", "-1", "e-01", "e-+1", "e--1", "e-1-2", "E-1", "e 1", "e-1 ", " e-1", "é-1", "e-1\x00", "e\x00-1", "e-18446744073709551616",
		strings.Repeat("e", 63) + "-1",
	} {
		if p, err := parsePosition(c); err == nil {
			t.Errorf("%q is %v", c, p)
		}
	}
	for _, want := range []position{{"e", 0}, {"4x7kq2m1c9za", 17}, {"e", 1<<64 - 1}, {strings.Repeat("e", 62), 1}} {
		line := string(want.appendTo(nil))
		got, err := parsePosition(strings.TrimSuffix(strings.TrimPrefix(line, "id: "), "\n"))
		if err != nil || got != want || line != fmt.Sprintf("id: %s-%d\n", want.epoch, want.offset) {
			t.Errorf("%q became %v, %v", line, got, err)
		}
	}
}

// A ring takes no memory for events that its bytes have no room for.
func TestRingIsNoLargerThanItsBytes(t *testing.T) {
	r := newRing(math.MaxInt, 1<<20)
	for range 10_000 {
		r.add(event{})
	}
	if len(r.events) > 1<<20/eventCost+1 || r.n < 1<<20/eventCost {
		t.Errorf("a ring of 1 MiB has room for %d events, and %d of 128 bytes", len(r.events), r.n)
	}
}
