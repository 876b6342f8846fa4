// SPDX-License-Identifier: MIT

package spry_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
)

// What waits for a receiver of the process that closes goes to another, but for what is in that one's own queue.
func TestClosingReceiverSwallowsNothing(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	push := spry.NewPush(nil)
	e := listenOn(t, push, "inproc")
	const all, queue = 2000, 10
	closes := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: queue}})
	dialTo(t, closes, e)
	check(t, push.WaitPipes(ctx, 1))
	for i := range all {
		check(t, push.Send(ctx, fmt.Append(nil, i)))
	}
	check(t, closes.Close())
	dropped := closes.Stats().Recv.Dropped["closed"]
	if dropped > queue {
		t.Errorf("a receiver with a queue of %d dropped %d messages when it closed", queue, dropped)
	}
	next := spry.NewPull(nil)
	dialTo(t, next, e)
	for range all - dropped {
		_, err := next.Recv(ctx)
		check(t, err)
	}
	st := push.Stats()
	if st.Send.Returned != all-dropped || st.Pending != 0 {
		t.Errorf("%d of %d came back, %d are pending", st.Send.Returned, all-dropped, st.Pending)
	}
	shut(t, push, next)
}
