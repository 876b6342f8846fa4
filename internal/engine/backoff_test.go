// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"math"
	"testing"
	"time"
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
				w := r.wait(attempt)
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
	least, most := b.refused(), b.refused()
	for range 20 {
		w := b.refused()
		least, most = min(least, w), max(most, w)
	}
	if least < b.Max/2 || most > b.Max || least == most {
		t.Errorf("waits are from %v to %v, want them spread over the upper half of %v", least, most, b.Max)
	}
}
