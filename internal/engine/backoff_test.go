// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
)

// Waits are within a bound that grows from Min by Factor to Max, whatever these are.
func TestBackoffBounds(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	for _, b := range []Backoff{
		{},
		{Min: 1, Max: 1},
		{Min: time.Hour},
		{Min: time.Second, Max: time.Minute, Factor: 1},
		{Max: forever},
		{Min: forever, Max: forever},
		{Max: forever, Factor: math.Inf(1)},
		{Factor: 1e300},
	} {
		r, err := b.resolve()
		if err != nil {
			t.Errorf("%+v: %v", b, err)
			continue
		}
		bound := float64(r.Min)
		for attempt := range 200 {
			least, most := forever, time.Duration(0)
			for range 20 {
				w := r.wait(attempt, rand.Uint64N)
				least, most = min(least, w), max(most, w)
				if w < 0 || float64(w) > bound || w > r.Max {
					t.Fatalf("%+v: wait %d is %v", b, attempt, w)
				}
			}
			if float64(most) < bound/1000 && bound > 1000 {
				t.Errorf("%+v: of 20 waits %d, bound to %v, the longest is %v", b, attempt, time.Duration(bound), most)
			}
			if least == most && bound > 1000 {
				t.Errorf("%+v: 20 waits %d are all %v: many dialers would come back at once", b, attempt, most)
			}
			bound = min(bound*r.Factor, float64(r.Max))
		}
	}
	for _, b := range []Backoff{{Min: -1}, {Min: time.Minute, Max: time.Second}, {Factor: 0.5}, {Factor: -1}, {Factor: math.NaN()}} {
		if _, err := b.resolve(); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v, want ErrConfig", b, err)
		}
	}
}

// A dialer that was refused waits long, and not as long as others.
func TestBackoffOfRefusedDialers(t *testing.T) {
	b, err := Backoff{Max: time.Minute}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	least, most := b.refused(rand.Uint64N), b.refused(rand.Uint64N)
	for range 20 {
		w := b.refused(rand.Uint64N)
		least, most = min(least, w), max(most, w)
	}
	if least < b.Max/2 || most > b.Max || least == most {
		t.Errorf("waits are from %v to %v, want them spread over the upper half of %v", least, most, b.Max)
	}
}

// repeating is a dialer that is a source of random numbers too.
type repeating struct {
	transport.Dialer
	rand.Source
}

// The numbers of a dialer that has its own decide how long is waited.
func TestBackoffDrawsFromItsDialer(t *testing.T) {
	b, err := Backoff{}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	waits := func(d transport.Dialer) (all []time.Duration) {
		below := diceOf(d)
		for attempt := range 20 {
			all = append(all, b.wait(attempt, below), b.refused(below))
		}
		return all
	}
	own := func() transport.Dialer { return repeating{Source: rand.NewPCG(1, 2)} }
	if first, again := waits(own()), waits(own()); !slices.Equal(first, again) {
		t.Errorf("the same numbers gave the waits %v, then %v", first, again)
	}
	if first, again := waits(nil), waits(nil); slices.Equal(first, again) {
		t.Errorf("two dialers without numbers of their own wait alike: %v", first)
	}
}
