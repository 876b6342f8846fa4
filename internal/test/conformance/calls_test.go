// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// Many may wait for one call: each until its own context ends, which ends the call for all of them alike.
func TestManyWaitForOneCall(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		waitBy := func(c *spry.Call, n int) chan error {
			ended := make(chan error, n)
			for range n {
				go func() {
					m, err := c.Wait(ctx)
					if err == nil && string(m.Bytes()) != "yes" {
						err = errors.New("a wrong reply")
					}
					ended <- err
				}()
			}
			return ended
		}

		answered, err := req.Start(spry.WrapMessage([]byte("?"), nil))
		testkit.Check(t, err)
		waiting := waitBy(answered, 4)
		q, err := rep.Recv(ctx)
		testkit.Check(t, err)
		testkit.Check(t, q.Reply(ctx, []byte("yes")))
		for range 4 {
			testkit.Check(t, <-waiting)
		}

		given, err := req.Start(spry.WrapMessage([]byte("?"), nil))
		testkit.Check(t, err)
		waiting = waitBy(given, 4)
		if _, err = rep.Recv(ctx); err != nil { // it is on its way, and is never answered
			t.Fatal(err)
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := given.Wait(over); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait with a context that has ended: %v", err)
		}
		for range 4 {
			if err := <-waiting; !errors.Is(err, context.Canceled) {
				t.Errorf("another's Wait: %v, want the same", err)
			}
		}
		testkit.Shut(t, req, rep)
	})
}

// A cancelled call ends all who wait for it, and cancelling twice, or too late, does nothing.
func TestCancelIsIdempotent(t *testing.T) {
	req := spry.NewReq(nil)
	c, err := req.Start(spry.NewMessage(0))
	testkit.Check(t, err)
	var cancelling sync.WaitGroup
	for range 8 {
		cancelling.Go(c.Cancel)
	}
	for range 2 {
		if _, err := c.Wait(testkit.Watchdog(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait for a cancelled call: %v", err)
		}
	}
	cancelling.Wait()
	testkit.Shut(t, req)
	c.Cancel()
}
