// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A sender that sees the end of its peer's direction closes. What it had given to its kernel stays there for as long as the
// receiver takes: neither a heartbeat nor an option of the socket cuts it.
func TestDrainAfterAPause(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		w.options.SendQueue, w.options.RecvQueue, w.options.Heartbeat, w.options.Linger = 4, 1, fastHeartbeat, -1
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		w.join(t, push, pull)
		testkit.Check(t, pull.WaitPipes(ctx, 1))
		body := make([]byte, 16<<10)
		until, stop := context.WithCancel(ctx)
		var sending, draining sync.WaitGroup
		sending.Go(func() {
			for i := 0; until.Err() == nil; i++ {
				copy(body, jobNumber(i))
				if push.Send(until, body) != nil {
					return
				}
			}
		})
		testkit.Eventually(t, "the sender waits", func() bool {
			st := push.Stats().Send
			return st.Sent > 0 && st.Queued > 2 // it goes on when half of the queue is free
		})
		draining.Go(func() {
			r, err := pull.Drain(ctx)
			drainedAll(t, r, err)
		})
		testkit.Eventually(t, "the sender has closed", func() bool { return len(push.Stats().Pipes) == 0 })
		stop()
		sending.Wait()
		time.Sleep(4 * fastHeartbeat) // nobody receives: this is what the test is about
		got := 0
		for m, err := range pull.Messages(ctx) {
			testkit.Check(t, err)
			if string(m.Bytes()[:4]) != string(jobNumber(got)) {
				t.Errorf("message %x instead of %d", m.Bytes()[:4], got)
			}
			got++
			m.Release()
		}
		draining.Wait()
		if st := push.Stats().Send; st.Sent != uint64(got) || got == 0 {
			t.Errorf("%d messages were received; the sender: %+v", got, st)
		}
		if err := push.Close(); err != nil && !errors.Is(err, spry.ErrUnsent) { // what it was given back waits for another receiver
			t.Error(err)
		}
		testkit.Check(t, pull.Close())
	})
}

// A connection that cannot end one direction alone is closed at once. What has arrived is delivered.
func TestDrainOfAConnectionWithoutCloseWrite(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: -1}}), spry.NewPull(nil)
	mine, theirs := net.Pipe()
	var attaching sync.WaitGroup
	attaching.Go(func() {
		_, err := push.Attach(ctx, theirs, nil)
		testkit.Check(t, err)
	})
	_, err := pull.Attach(ctx, mine, &spry.AttachConfig{Listening: true})
	testkit.Check(t, err)
	attaching.Wait()
	for i := range 3 {
		testkit.Check(t, push.Send(ctx, jobNumber(i)))
	}
	testkit.Eventually(t, "all have arrived", func() bool { return pull.Stats().Recv.Queued == 3 })
	var draining sync.WaitGroup
	draining.Go(func() {
		r, err := pull.Drain(ctx)
		drainedAll(t, r, err)
	})
	got := 0
	for m, err := range pull.Messages(ctx) {
		testkit.Check(t, err)
		got++
		m.Release()
	}
	draining.Wait()
	if got != 3 {
		t.Errorf("%d messages were received", got)
	}
	testkit.Eventually(t, "the sender has seen the end of the connection", func() bool { return push.Stats().Send.Unknown == 3 })
	testkit.Check(t, push.Close())
	testkit.Check(t, pull.Close())
}
