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
			most := time.Duration(0)
			for range 20 {
				w := r.wait(attempt)
				if most = max(most, w); w < 0 || float64(w) > bound || w > r.Max {
					t.Fatalf("%+v: wait %d is %v", b, attempt, w)
				}
			}
			if float64(most) < bound/1000 && bound > 1000 {
				t.Errorf("%+v: of 20 waits %d, bound to %v, the longest is %v", b, attempt, time.Duration(bound), most)
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
