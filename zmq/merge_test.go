// SPDX-License-Identifier: MIT

package zmq_test

import (
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a Merge that is left had received from sockets of this package goes back to their queues.
func TestMergeGivesBack(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for name, open := range map[string]func() (from sender, to receiver, own int){
		"pull":   func() (sender, receiver, int) { return zmq.NewPush(nil), zmq.NewPull(nil), 0 },
		"router": func() (sender, receiver, int) { return zmq.NewDealer(nil), zmq.NewRouter(nil), 1 },
		"server": func() (sender, receiver, int) { return zmq.NewClient(nil), zmq.NewServer(nil), 0 },
	} {
		t.Run(name, func(t *testing.T) {
			push, pull := zmq.NewPush(nil), zmq.NewPull(nil)
			join(t, "tcp", push, pull)
			from, to, own := open()
			join(t, "tcp", from, to)
			testkit.Check(t, push.SendMsg(ctx, message("first")))
			for m, err := range spry.Merge(ctx, to, pull) {
				testkit.Check(t, err)
				m.Release()
				// Merge has looked at the other socket, which had nothing: a goroutine waits there.
				testkit.Check(t, from.SendMsg(ctx, message("late")))
				testkit.Eventually(t, "the goroutine has it", func() bool { return to.Stats().Recv.Delivered == 1 })
				break
			}
			if st := to.Stats().Recv; st.Queued != 1 || st.Delivered != 0 || len(st.Dropped) > 0 {
				t.Errorf("%d messages are queued, %d delivered and %v dropped, want 1, 0 and none", st.Queued, st.Delivered, st.Dropped)
			}
			m, err := to.RecvMsg(ctx)
			testkit.Check(t, err)
			is(t, framesOf(m)[own:], "late")
			testkit.Shut(t, from, to, push, pull)
		})
	}
}
