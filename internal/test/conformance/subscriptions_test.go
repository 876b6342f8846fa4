// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A closed Subscription asks peers for nothing.
func TestClosedSubscriptionAsksForNothing(t *testing.T) {
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	testkit.CloseAll(t, pub, sub)
	n := sub.Open("a")
	testkit.Check(t, n.Close())
	testkit.Wants(t, n.Subscribe("late"), spry.ErrClosed)
	testkit.Wants(t, n.Unsubscribe("a"), spry.ErrClosed)
}

// A full subscription applies its own overflow and delays no other.
func TestSubscriptionsAreIndependent(t *testing.T) {
	const all, room = 100, 4
	for policy, survives := range map[spry.Overflow]byte{spry.DropOldest: all - room, spry.DropNewest: 0} {
		overEveryWire(t, func(t *testing.T, w wireUnderTest) {
			ctx := testkit.Watchdog(t)
			pub := spry.NewPub(&spry.PubOptions{Options: w.options})
			w.options.RecvQueue = room
			sub := spry.NewSub(&spry.SubOptions{Options: w.options, Overflow: policy})
			testkit.Check(t, sub.Subscribe(""))
			idle := sub.Open("")
			other := sub.Open("nothing like that")
			w.join(t, sub, pub)
			testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
			for i := range all {
				testkit.Check(t, pub.Send(ctx, []byte{byte(i)}))
				got, err := sub.Recv(ctx)
				testkit.Check(t, err)
				if got[0] != byte(i) {
					t.Fatalf("the busy subscription got %d, want %d", got[0], i)
				}
			}
			testkit.Eventually(t, "the idle one has dropped the rest", func() bool {
				return sub.Stats().Recv.Dropped["overflow"] == all-room
			})
			for i := range byte(room) {
				got, err := idle.Recv(ctx)
				testkit.Check(t, err)
				if got[0] != survives+i {
					t.Errorf("the idle subscription kept %d, want %d", got[0], survives+i)
				}
			}
			testkit.Check(t, idle.Close())
			if _, err := idle.Recv(ctx); !errors.Is(err, spry.ErrClosed) {
				t.Errorf("Recv on a closed subscription: %v, want ErrClosed", err)
			}
			if _, err := other.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
				t.Errorf("a subscription got what it does not want: %v", err)
			}
			if err := other.Unsubscribe("something else"); !errors.Is(err, spry.ErrNotSubscribed) {
				t.Errorf("Unsubscribe: %v, want ErrNotSubscribed", err)
			}
			testkit.Shut(t, pub, sub)
		})
	}
}
