// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A frailRep answers requests, but ends the connection of each that says "poison".
type frailRep struct {
	*spry.Rep
	poisoned *atomic.Int64
}

func newFrailRep(t *testing.T, o spry.Options, poisoned *atomic.Int64) *frailRep {
	t.Helper()
	r := &frailRep{spry.NewRep(&spry.RepOptions{Options: o}), poisoned}
	var serving sync.WaitGroup
	serving.Go(func() {
		for q, err := range r.Requests(context.Background()) {
			switch {
			case err != nil:
				return
			case string(q.Bytes()) == "poison":
				r.poisoned.Add(1)
				_ = q.Pipe().Close()
			default:
				_ = q.Reply(context.Background(), q.Bytes())
			}
		}
	})
	t.Cleanup(func() { _ = r.Close(); serving.Wait() })
	return r
}

// A request with which connections end is given up after MaxAttempts of them, over all peers together; others go on.
func TestRequestThatEndsItsConnectionsIsGivenUp(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		for attempts, want := range map[int]int64{0: 5, 3: 3} {
			var poisoned atomic.Int64
			req := spry.NewReq(&spry.ReqOptions{Options: w.options, MaxAttempts: attempts})
			testkit.CloseAll(t, req)
			for range 3 {
				d := testkit.DialerTo(w.listen(t, newFrailRep(t, w.options, &poisoned)))
				d.Backoff = &spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
				_, err := req.DialWith(testkit.Watchdog(t), d)
				testkit.Check(t, err)
			}
			events := req.Events(testkit.Watchdog(t))
			_, err := req.Do(testkit.Watchdog(t), []byte("poison"))
			if !errors.Is(err, spry.ErrGivenUp) || !strings.Contains(err.Error(), "MaxAttempts") ||
				!strings.Contains(err.Error(), string(rune('0'+want))+" connections") {
				t.Errorf("MaxAttempts %d: %v", attempts, err)
			}
			for e := range events {
				if e.Kind == spry.EventAbandoned {
					if e.Count != 1 || e.Reason != "attempts" {
						t.Errorf("the event says %d for %q", e.Count, e.Reason)
					}
					break
				}
			}
			for range 20 {
				got, err := req.Do(testkit.Watchdog(t), []byte("fine"))
				testkit.Check(t, err)
				if string(got) != "fine" {
					t.Errorf("got %q", got)
				}
			}
			if n := poisoned.Load(); n != want {
				t.Errorf("MaxAttempts %d: %d connections ended, want %d", attempts, n, want)
			}
		}
	})
}

// A request that another peer survives is answered.
func TestRequestIsAnsweredByThePeerThatSurvivesIt(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		var poisoned atomic.Int64
		req := spry.NewReq(&spry.ReqOptions{Options: w.options})
		strong := spry.NewRep(&spry.RepOptions{Options: w.options})
		testkit.CloseAll(t, req, strong)
		for range 2 {
			d := testkit.DialerTo(w.listen(t, newFrailRep(t, w.options, &poisoned)))
			d.Backoff = &spry.Backoff{Min: time.Hour, Max: time.Hour}
			_, err := req.DialWith(testkit.Watchdog(t), d)
			testkit.Check(t, err)
		}
		w.join(t, req, strong)
		serveBig(t, strong, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, []byte("survived")) }))
		for range 4 {
			got, err := req.Do(testkit.Watchdog(t), []byte("poison"))
			testkit.Check(t, err)
			if string(got) != "survived" {
				t.Errorf("got %q", got)
			}
		}
		if n := poisoned.Load(); n > 2 {
			t.Errorf("%d connections ended, of 2", n)
		}
	})
}
