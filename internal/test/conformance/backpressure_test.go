// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A Push whose peer does not receive waits when the queues on the way are full, until its context ends; the message is
// unchanged, and everything accepted arrives.
func TestBackPressure(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		w.options.SendQueue, w.options.RecvQueue = 4, 4
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		w.join(t, push, pull)
		m := spry.NewMessage(0)
		accepted := 0
		for {
			_, _ = m.Write(make([]byte, 64<<10))
			patience := testkit.Patience
			if accepted >= 4 { // what a queue holds is taken in any case
				patience = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			err := push.SendMsg(ctx, m)
			cancel()
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) || m.Len() != 64<<10 {
					t.Errorf("SendMsg without room: %v, and the message has %d bytes", err, m.Len())
				}
				break
			}
			if m.Len() != 0 {
				t.Fatalf("a sent message has %d bytes, want none", m.Len())
			}
			accepted++
		}
		if accepted < 4 || accepted > 1000 {
			t.Errorf("%d messages were accepted; each queue holds 4", accepted)
		}
		for range accepted {
			_, err := pull.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
		}
		if _, err := pull.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TryRecvMsg with nothing there: %v, want ErrWouldBlock", err)
		}
		testkit.Check(t, pull.Close())
		testkit.Eventually(t, "the peer is gone", func() bool { return len(push.Stats().Pipes) == 0 })
		if err := push.TrySendMsg(m); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TrySendMsg without a peer: %v, want ErrWouldBlock", err)
		}
		testkit.Shut(t, push, pull)
	})
}
