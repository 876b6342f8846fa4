// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/sprymq/spry/internal/engine"
)

// A roster gives the same turns as a list that is searched and copied.
func TestRosterModel(t *testing.T) {
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 3))
		var r roster
		var all, open []*engine.Pipe // open in turn
		next := 0
		leave := func(p *engine.Pipe) {
			if i := slices.Index(open, p); i >= 0 {
				if open = slices.Delete(open, i, i+1); i < next {
					next--
				}
			}
		}
		for step := range 500 {
			switch dice.IntN(7) {
			case 0:
				p := new(engine.Pipe)
				r.add(p)
				all, open = append(all, p), append(open, p)
			case 1:
				if dice.IntN(2) == 0 && len(all) > 0 {
					i := dice.IntN(len(all))
					r.remove(all[i])
					leave(all[i])
					all = slices.Delete(all, i, i+1)
				}
			case 2:
				if len(all) > 0 {
					p := all[dice.IntN(len(all))]
					r.leaveOut(p)
					leave(p)
				}
			case 3:
				if len(all) > 0 {
					p := all[dice.IntN(len(all))]
					r.comeBack(p)
					if !slices.Contains(open, p) {
						open = append(open, p)
					}
				}
			default:
				var want *engine.Pipe
				if len(open) > 0 {
					if next >= len(open) {
						next = 0
					}
					want = open[next]
					next++
				}
				if got := r.next(); got != want {
					t.Fatalf("seed %d, step %d: the turn is another pipe's", seed, step)
				}
			}
			if got := slices.Collect(r.inTurn); !slices.Equal(got, open) || r.pipes.len() != len(all) || r.open != len(open) {
				t.Fatalf("seed %d, step %d: %d of %d pipes are open, want %d of %d in turn", seed, step, r.open, r.pipes.len(), len(open), len(all))
			}
			for _, p := range all {
				if !slices.Contains(r.pipes.list, p) {
					t.Fatalf("seed %d, step %d: a pipe is missing", seed, step)
				}
			}
		}
	}
}

// What a pipe costs that comes and goes does not depend on how many others there are.
func TestMembershipCopiesNothing(t *testing.T) {
	for _, n := range []int{100, 8000} {
		pipes := make([]*engine.Pipe, n)
		for i := range pipes {
			pipes[i] = new(engine.Pipe)
		}
		var r roster
		var g set[*engine.Pipe]
		for _, p := range pipes {
			r.add(p)
			g.add(p)
		}
		const rounds = 20_000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range rounds {
			p := pipes[i*7%n]
			r.leaveOut(p)
			r.comeBack(p)
			r.remove(p)
			r.add(p)
			g.remove(p)
			g.add(p)
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / rounds; bytes > 200 {
			t.Errorf("with %d pipes, one that comes and goes copies %d bytes", n, bytes)
		}
		if !slices.Equal(sorted(g.list), sorted(pipes)) || r.pipes.len() != n {
			t.Errorf("of %d pipes, %d and %d are left", n, g.len(), r.pipes.len())
		}
	}
}

func sorted(pipes []*engine.Pipe) []*engine.Pipe {
	all := slices.Clone(pipes)
	slices.SortFunc(all, func(a, b *engine.Pipe) int {
		return cmp.Compare(uintptr(unsafe.Pointer(a)), uintptr(unsafe.Pointer(b)))
	})
	return all
}

// A set that is small has no map, and one that is large has.
func TestSetKeepsItsItems(t *testing.T) {
	var s set[int]
	var want []int
	r := rand.New(rand.NewPCG(1, 2))
	for step := range 20_000 {
		n := r.IntN(3 * listedItems)
		if i := slices.Index(want, n); i >= 0 == s.remove(n) {
			if i >= 0 {
				want = slices.Delete(want, i, i+1)
			} else if r.IntN(2) == 0 || len(want) < listedItems {
				s.add(n)
				want = append(want, n)
			}
		} else {
			t.Fatalf("step %d: the set has %d: %t", step, n, i < 0)
		}
		if len(want) != s.len() {
			t.Fatalf("step %d: %d items, want %d", step, s.len(), len(want))
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(s.list)); !slices.Equal(got, want) {
		t.Errorf("the set has %v, want %v", got, want)
	}
}
