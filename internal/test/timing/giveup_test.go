// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// A dialer goes on until GiveUp says that it is enough: after attempts that failed, or when a connection has ended.
func TestDialersGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testkit.Simulated(simnet.New(1))
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		events := push.Events(t.Context())
		asked := 0
		e, err := push.DialWith(t.Context(), &spry.DialConfig{URL: "sim://nobody", Background: true, GiveUp: func(err error) bool {
			asked++
			return asked == 3
		}})
		testkit.Check(t, err)
		for v := range events {
			if v.Kind == spry.EventGaveUp {
				if v.Endpoint != e || v.Err == nil {
					t.Errorf("the event is %+v", v)
				}
				break
			}
		}
		if asked != 3 || e.Err() == nil {
			t.Errorf("asked %d times, and the endpoint's error is %v", asked, e.Err())
		}

		l, err := pull.Listen(t.Context(), "sim://somebody")
		testkit.Check(t, err)
		failed := make(chan error, 1)
		e, err = push.DialWith(t.Context(), &spry.DialConfig{URL: l.URL(), GiveUp: func(err error) bool { failed <- err; return true }})
		testkit.Check(t, err)
		testkit.Check(t, pull.WaitPipes(t.Context(), 1))
		for p := range pull.Pipes() {
			testkit.Check(t, p.Close())
		}
		if err := <-failed; err == nil {
			t.Error("a connection ended without a reason")
		}
		synctest.Wait()
		if err := e.Wait(t.Context()); !errors.Is(err, spry.ErrClosed) || errors.Is(err, context.Canceled) {
			t.Errorf("the endpoint goes on: %v", err)
		}
		testkit.Shut(t, push, pull)
	})
}
