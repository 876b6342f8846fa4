// SPDX-License-Identifier: MIT

package queue

import (
	"math/rand/v2"
	"testing"
)

func TestFifo(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var f fifo[int]
	var model []int
	longest := 0
	for i := range 100_000 {
		// The bias changes, so that the queue grows, shrinks and is empty now and then.
		if dice.IntN(10) < 4+2*(i/1000%2) {
			f.push(i)
			model = append(model, i)
		} else if len(model) > 0 {
			if got := *f.front(); got != model[0] {
				t.Fatalf("the front is %d, want %d", got, model[0])
			}
			if got := f.pop(); got != model[0] {
				t.Fatalf("popped %d, want %d", got, model[0])
			}
			model = model[1:]
		}
		longest = max(longest, len(model))
		if f.empty() != (len(model) == 0) {
			t.Fatalf("empty is %v with %d elements", f.empty(), len(model))
		}
	}
	t.Logf("longest %d, memory for %d", longest, cap(f.items))
}

// A queue that never falls empty does not grow for ever, nor does it hold on to what has left it.
func TestFifoMemory(t *testing.T) {
	var f fifo[*int]
	for range 10 {
		f.push(new(int))
	}
	for range 100_000 {
		f.push(new(int))
		f.pop()
	}
	if cap(f.items) > 100 {
		t.Errorf("a queue of 10 takes memory for %d", cap(f.items))
	}
	held := 0
	for _, p := range f.items[:cap(f.items)] {
		if p != nil {
			held++
		}
	}
	if held != 10 {
		t.Errorf("a queue of 10 holds on to %d elements", held)
	}
}
