// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// What counts is that a peer ended its connection after the request was wholly written: neither an end before that, nor one
// that this end brings about, nor sending again in time.
func TestWhatCountsAsAnAttempt(t *testing.T) {
	type net = simnet.Net
	cases := map[string]struct {
		attempts int
		body     int
		end      func(n *net, req *spry.Req) // called ten times
		given    bool
	}{
		"the peer's end":          {2, 100, func(n *net, _ *spry.Req) { n.CutAll() }, true},
		"no limit":                {-1, 100, func(n *net, _ *spry.Req) { n.CutAll() }, false},
		"not wholly written":      {2, 1 << 20, func(*net, *spry.Req) {}, false},
		"closed by the requester": {2, 100, func(_ *net, req *spry.Req) { closePipes(req) }, false},
		"sent again in time":      {2, 100, func(*net, *spry.Req) { time.Sleep(2 * time.Minute) }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1)
				if c.body > 1<<16 {
					n.SetFaults(simnet.ToListener, simnet.Faults{CutAfter: 1000}) // in the midst of the request
				}
				o := testkit.Simulated(n)
				o.Heartbeat = -1
				rep := newSilentRep(t, n, "sim://rep")
				defer rep.Close()
				req := spry.NewReq(&spry.ReqOptions{Options: o, MaxAttempts: c.attempts})
				defer req.Close()
				_, err := req.DialWith(t.Context(), &spry.DialConfig{URL: "sim://rep", Backoff: &spry.Backoff{Min: time.Second, Max: time.Second}})
				testkit.Check(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() {
					_, err := req.Do(ctx, make([]byte, c.body))
					done <- err
				}()
				for range 10 {
					synctest.Wait()
					c.end(n, req)
					time.Sleep(2 * time.Second) // it comes back within a second
				}
				if made := req.Stats().Endpoints[0].Established; !c.given && name != "sent again in time" && made < 5 {
					t.Errorf("%d connections were made", made)
				}
				cancel()
				err = <-done
				if given := errors.Is(err, spry.ErrGivenUp); given != c.given || !given && !errors.Is(err, context.Canceled) {
					t.Errorf("the request ended with %v", err)
				}
			})
		})
	}
}

// closePipes closes the requester's own ends.
func closePipes(req *spry.Req) {
	for p := range req.Pipes() {
		_ = p.Close()
	}
}
