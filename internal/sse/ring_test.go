// SPDX-License-Identifier: MIT

package sse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type event struct {
	offset uint64
	body   string
}

const eventCost = 128

func (e *event) cost() int { return len(e.body) + eventCost }

func newRing(maxEvents, maxBytes int) *Ring[event] {
	return NewRing(maxEvents, maxBytes, eventCost, (*event).cost)
}

// A ring is a list from which the oldest are removed, at any size.
func TestRing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		maxEvents, maxBytes := 1+rng.IntN(8), 1+rng.IntN(3000)
		r := newRing(maxEvents, maxBytes)
		var model []event
		for i := range 40 {
			e := event{offset: uint64(i + 1), body: strings.Repeat("x", rng.IntN(600))}
			r.Add(e)
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
			if r.bytes != cost() || r.n != len(model) || r.First() != model[0].offset {
				t.Fatalf("%d bytes in %d events from %d, want %d in %d from %d", r.bytes, r.n, r.First(), cost(), len(model), model[0].offset)
			}
			offset, room, limit := rng.Uint64N(r.next), rng.IntN(5), 1+rng.IntN(2000)
			got, missed := r.After(offset, make([]event, 0, room), limit)
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
		r.Add(event{})
	}
	for _, c := range []struct {
		seen    Position
		offset  uint64
		unknown bool
	}{
		{Position{"e", 5}, 5, false}, // knows all
		{Position{"e", 3}, 3, false},
		{Position{"e", 2}, 2, false}, // the oldest is the next
		{Position{"e", 1}, 1, false}, // one is missing, which can be counted
		{Position{"e", 0}, 0, false},
		{Position{"e", 6}, 2, true}, // from the future
		{Position{"e", 1<<64 - 1}, 2, true},
		{Position{"f", 3}, 2, true},
		{Position{}, 2, true},
	} {
		if offset, unknown := r.Resume("e", c.seen); offset != c.offset || unknown != c.unknown {
			t.Errorf("%v: %d, %v, want %d, %v", c.seen, offset, unknown, c.offset, c.unknown)
		}
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []string{
		"", "-", "e", "e-", "-1", "e-01", "e-+1", "e--1", "e-1-2", "E-1", "e 1", "e-1 ", " e-1", "é-1", "e-1\x00", "e\x00-1", "e-18446744073709551616",
		strings.Repeat("e", 63) + "-1",
	} {
		if p, err := ParsePosition(c); err == nil {
			t.Errorf("%q is %v", c, p)
		}
	}
	for _, want := range []Position{{"e", 0}, {"4x7kq2m1c9za", 17}, {"e", 1<<64 - 1}, {strings.Repeat("e", 62), 1}} {
		line := string(want.AppendTo(nil))
		got, err := ParsePosition(strings.TrimSuffix(strings.TrimPrefix(line, "id: "), "\n"))
		if err != nil || got != want || line != fmt.Sprintf("id: %s-%d\n", want.Epoch, want.Offset) {
			t.Errorf("%q became %v, %v", line, got, err)
		}
	}
}

// A ring takes no memory for events that its bytes have no room for.
func TestRingIsNoLargerThanItsBytes(t *testing.T) {
	r := newRing(math.MaxInt, 1<<20)
	for range 10_000 {
		r.Add(event{})
	}
	if len(r.events) > 1<<20/eventCost+1 || r.n < 1<<20/eventCost {
		t.Errorf("a ring of 1 MiB has room for %d events, and %d of 128 bytes", len(r.events), r.n)
	}
}
