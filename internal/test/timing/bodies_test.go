// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// Where there is no room for all, SendBodies queues as many as SendBatch, and fails with the same error.
func TestSendBodiesIsLikeSendBatch(t *testing.T) {
	const all = 500
	send := func(t *testing.T, o spry.Options, f func(ctx context.Context, push *spry.Push) (int, error)) (n int) {
		o.Network, o.Linger = spry.NewNetwork(), -1
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: spry.Options{Network: o.Network, RecvQueue: 1}})
		testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n, err := f(ctx, push)
		if st := push.Stats().Send; !errors.Is(err, context.DeadlineExceeded) || n == 0 || st.Offered != uint64(n) {
			t.Errorf("%d are queued, %v, and the figures are %+v", n, err, st)
		}
		testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
		testkit.Check(t, pull.Close())
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		for name, o := range map[string]spry.Options{
			"messages": {SendQueue: 100}, "bytes": {SendQueueBytes: 20_000}, "both": {SendQueue: 30, SendQueueBytes: 5_000},
		} {
			for _, size := range []int{0, 100, 1000, 30_000} {
				want := send(t, o, func(ctx context.Context, push *spry.Push) (int, error) {
					ms := make([]*spry.Message, all)
					for i := range ms {
						ms[i] = spry.WrapMessage(make([]byte, size), nil)
					}
					return push.SendBatch(ctx, ms)
				})
				got := send(t, o, func(ctx context.Context, push *spry.Push) (int, error) {
					bodies := make([][]byte, all)
					for i := range bodies {
						bodies[i] = make([]byte, size)
					}
					return push.SendBodies(ctx, bodies)
				})
				if got != want {
					t.Errorf("limited by %s, bodies of %d bytes: %d were queued, and %d by SendBatch", name, size, got, want)
				}
			}
		}
	})
}

// Drain waits for the loop's last step, in which the application uses the last body.
func TestDrainWaitsForTheLastBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := spry.Options{Network: spry.NewNetwork()}
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
		testkit.Check(t, push.Send(t.Context(), []byte("x")))
		drained := make(chan error, 1)
		for _, err := range pull.Bodies(t.Context()) {
			testkit.Check(t, err)
			go func() {
				_, err := pull.Drain(t.Context())
				drained <- err
			}()
			synctest.Wait()
			if len(drained) > 0 {
				t.Error("Drain returned while the loop had a body")
			}
		}
		testkit.Check(t, <-drained)
		testkit.Check(t, push.Close())
	})
}
