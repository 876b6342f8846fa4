// SPDX-License-Identifier: MIT

package sp_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

const (
	contexts = 64
	rounds   = 20
)

// TestRequestsOfManyContexts has libnng keep 64 requests outstanding on one socket. Spry answers each batch in reverse,
// so a reply that carried another request's id would reach the wrong context.
func TestRequestsOfManyContexts(t *testing.T) {
	kit.EachWay(t, kit.LibNNG, "64 concurrent req – rep", func(t *testing.T, a kit.Address) {
		rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
		p := kit.MeetC(t, a, rep, "nng_req_contexts", fmt.Sprint(contexts), fmt.Sprint(rounds))
		ctx := kit.Watched(t)
		for range rounds {
			batch := make([]*spry.Request, contexts)
			for i := range batch {
				batch[i] = kit.Must[*spry.Request](t)(rep.Recv(ctx))
			}
			for _, r := range slices.Backward(batch) {
				testkit.Check(t, r.Reply(ctx, r.Bytes()))
			}
		}
		p.WaitLine(fmt.Sprintf("answered %d", contexts*rounds))
		p.Wait()
	})
}

// TestCallsToManyContexts has Spry keep 64 calls outstanding, which libnng answers in reverse.
func TestCallsToManyContexts(t *testing.T) {
	kit.EachWay(t, kit.LibNNG, "64 rep contexts – req", func(t *testing.T, a kit.Address) {
		req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
		p := kit.MeetC(t, a, req, "nng_rep_contexts", fmt.Sprint(contexts), fmt.Sprint(rounds))
		callConcurrently(t, req, contexts, rounds)
		p.WaitLine(fmt.Sprintf("served %d", contexts*rounds))
		p.Wait()
	})
}

// TestNanomsgReqRep has libnanomsg ask and answer; it knows one request at a time, Spry has 16 outstanding.
func TestNanomsgReqRep(t *testing.T) {
	t.Run("req", func(t *testing.T) {
		kit.EachWay(t, kit.LibNanomsg, "req – rep", func(t *testing.T, a kit.Address) {
			rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
			p := kit.MeetC(t, a, rep, "nn_ask", "req", "500", "1000")
			echoRequests(t, rep)
			p.WaitLine("answered 500")
			p.Wait()
		})
	})
	t.Run("rep", func(t *testing.T) {
		kit.EachWay(t, kit.LibNanomsg, "rep – 16 concurrent req", func(t *testing.T, a kit.Address) {
			req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
			kit.MeetC(t, a, req, "nn_echo", "rep")
			callConcurrently(t, req, 16, rounds)
		})
	})
}

// callConcurrently has that many callers make calls, and checks that each gets the echo of its own.
func callConcurrently(t *testing.T, req *spry.Req, callers, calls int) {
	t.Helper()
	ctx := kit.Watched(t)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				body := fmt.Sprintf("caller %d call %d", c, i)
				reply, err := req.Do(ctx, []byte(body))
				if err != nil || string(reply) != body {
					t.Errorf("%s: got %q, %v", body, reply, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// echoRequests answers in the background, until the test ends.
func echoRequests(t *testing.T, rep *spry.Rep) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			r, err := rep.Recv(ctx)
			if err != nil {
				return
			}
			_ = r.Reply(ctx, r.Bytes()) // the requester checks what it gets
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
}
