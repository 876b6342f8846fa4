// SPDX-License-Identifier: MIT

package conformance_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A Push takes turns over its pipes.
func TestPushTakesTurns(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		all := []testkit.Socket{push}
		var pulls []*spry.Pull
		for range 3 {
			p := spry.NewPull(&spry.PullOptions{Options: w.options})
			w.join(t, push, p)
			pulls, all = append(pulls, p), append(all, p)
		}
		const each = 50
		for i := range 3 * each {
			testkit.Check(t, push.Send(testkit.Watchdog(t), fmt.Append(nil, i)))
		}
		for _, p := range pulls {
			for range each {
				_, err := p.Recv(testkit.Watchdog(t))
				testkit.Check(t, err)
			}
		}
		testkit.Shut(t, all...)
	})
}

// With every pipe's queue non-empty, no pipe is more than one turn of 64 messages ahead of another.
func TestReceivingIsFair(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		const pushers, each = 3, 1000
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		var all []testkit.Socket
		for i := range pushers {
			p := spry.NewPush(&spry.PushOptions{Options: w.options})
			testkit.DialTo(t, p, e)
			for range each {
				testkit.Check(t, p.Send(testkit.Watchdog(t), []byte{byte(i)}))
			}
			all = append(all, p)
		}
		testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == pushers*each })
		var got [pushers]int
		for taken := range pushers * each {
			b, err := pull.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
			got[b[0]]++
			low, high := min(got[0], got[1], got[2]), max(got[0], got[1], got[2])
			if high < each && high-low > 64 {
				t.Fatalf("after %d messages the pipes have had %v turns", taken+1, got)
			}
		}
		testkit.Shut(t, append(all, pull)...)
	})
}

func TestBatchesGoToTheLeastLoaded(t *testing.T) {
	ctx, o := testkit.Watchdog(t), testkit.Private()
	push := spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: true})
	defer push.Close()
	o.RecvQueue = 1
	slow, fast := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: testkit.Private()})
	defer slow.Close()
	defer fast.Close()
	testkit.ListenAt(t, slow, "inproc://slow")
	e := testkit.ListenOn(t, fast, "tcp")
	_, err := push.Dial(ctx, "inproc://slow")
	testkit.Check(t, err)
	for range 2 { // one is with the slow peer, the other waits for it
		testkit.Check(t, push.Send(ctx, []byte("x")))
	}
	_, err = push.Dial(ctx, e.URL())
	testkit.Check(t, err)
	for range 20 {
		n, err := push.SendBatch(ctx, []*spry.Message{spry.WrapMessage([]byte("y"), nil)})
		if n != 1 || err != nil {
			t.Fatalf("SendBatch: %d, %v", n, err)
		}
		testkit.Eventually(t, "only the slow peer's message waits", func() bool { return push.Stats().Send.Queued == 1 })
	}
	for range 20 {
		if _, err := fast.Recv(ctx); err != nil {
			t.Fatalf("a batch went to the peer with a message queued: %v", err)
		}
	}
}

// The least loaded pipe may have few large messages, and no room: then the next one is the least loaded.
func TestLeastLoadedHasRoom(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{LeastLoaded: true, Options: spry.Options{SendQueueBytes: 1200, Linger: -1}})
	attachMute(t, push, spry.ProtocolPull, false)
	testkit.Check(t, push.Send(testkit.Watchdog(t), make([]byte, 950)))
	attachMute(t, push, spry.ProtocolPull, false)
	for i := range 4 {
		if err := push.TrySendMsg(spry.WrapMessage(make([]byte, 200), nil)); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
}
