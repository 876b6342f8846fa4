// SPDX-License-Identifier: MIT

package wait_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

func TestFor(t *testing.T) {
	for name, c := range map[string]struct {
		wait, limit, took time.Duration
		want              error
	}{
		"to its end":         {time.Hour, 2 * time.Hour, time.Hour, nil},
		"to that of its ctx": {2 * time.Hour, time.Hour, time.Hour, context.DeadlineExceeded},
		"not at all":         {0, time.Hour, 0, nil},
		"since long ago":     {-time.Hour, time.Hour, 0, nil},
		"after its ctx":      {0, 0, 0, context.DeadlineExceeded},
		"long after its ctx": {time.Hour, 0, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				began := time.Now()
				if err := wait.For(ctx, c.wait); !errors.Is(err, c.want) || time.Since(began) != c.took {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(began), c.want, c.took)
				}
			})
		})
	}
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := wait.Until(ctx, func() bool { return time.Since(began) >= time.Second }); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := wait.Until(ctx, func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("what never is so ends with %v", err)
		}
		if err := wait.Until(ctx, func() bool { return true }); err != nil {
			t.Errorf("what is so fails with %v", err)
		}
	})
}

func TestEach(t *testing.T) {
	for interval, want := range map[time.Duration]int{0: 1, time.Second: 11} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
			defer cancel()
			ask := make(chan os.Signal, 1)
			ask <- os.Interrupt
			n := 0
			if wait.Each(ctx, interval, ask, func() { n++ }); n != want {
				t.Errorf("every %v: %d calls, want %d", interval, n, want)
			}
		})
	}
}
