// SPDX-License-Identifier: MIT

package zmq_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

const updates = 50

// update sends messages of a topic, a number and a frame more.
func update(t *testing.T, from sender) {
	t.Helper()
	for i := range updates {
		testkit.Check(t, from.SendMsg(testkit.Watchdog(t), message("topic", fmt.Sprint(i), "")))
	}
}

// A sender that conflates sends what its peer is slow to take less often, and the newest last.
func TestConflatingSenders(t *testing.T) {
	brief := zmq.Options{RecvQueue: 1}
	for name, open := range map[string]func() (sender, receiver){
		"push": func() (sender, receiver) {
			return zmq.NewPush(&zmq.PushOptions{Conflate: true}), zmq.NewPull(&zmq.PullOptions{Options: brief})
		},
		"dealer": func() (sender, receiver) {
			return zmq.NewDealer(&zmq.DealerOptions{Conflate: true}), zmq.NewDealer(&zmq.DealerOptions{Options: brief})
		},
		"pub": func() (sender, receiver) {
			sub := zmq.NewSub(&zmq.SubOptions{Options: brief, Overflow: spry.Block})
			_ = sub.Subscribe("")
			return zmq.NewPub(&zmq.PubOptions{Conflate: true, Overflow: spry.Block}), sub
		},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			from, to := open()
			connect(t, "inproc", from, to)
			update(t, from)
			got := 0
			for last := ""; last != fmt.Sprint(updates-1); got++ {
				m, err := to.RecvMsg(ctx)
				testkit.Check(t, err)
				last = string(framesOf(m)[1])
				is(t, framesOf(m), "topic", last, "")
			}
			quiet(t, to)
			st := from.Stats().Send
			if got > 3 || st.Dropped["conflated"] != uint64(updates-got) || testkit.Sum(st.Dropped) != st.Dropped["conflated"] {
				t.Errorf("received %d of %d, dropped %v", got, updates, st.Dropped)
			}
			testkit.Shut(t, from, to)
		})
	}
}

// A receiver that conflates has the newest message of each peer, and counts the others as overflow.
func TestConflatingReceivers(t *testing.T) {
	for name, open := range map[string]func() (a, b sender, r receiver){
		"pull": func() (sender, sender, receiver) {
			return zmq.NewPush(nil), zmq.NewPush(nil), zmq.NewPull(&zmq.PullOptions{Conflate: true})
		},
		"dealer": func() (sender, sender, receiver) {
			return zmq.NewDealer(nil), zmq.NewDealer(nil), zmq.NewDealer(&zmq.DealerOptions{Conflate: true})
		},
		"sub": func() (sender, sender, receiver) {
			sub := zmq.NewSub(&zmq.SubOptions{Conflate: true, Overflow: spry.Block})
			_ = sub.Subscribe("")
			return zmq.NewPub(nil), zmq.NewPub(nil), sub
		},
	} {
		t.Run(name, func(t *testing.T) {
			overTwoWires(t, func(t *testing.T, scheme string) {
				a, b, to := open()
				connect(t, scheme, a, to)
				join(t, scheme, to, b)
				if p, ok := b.(*zmq.Pub); ok {
					testkit.Check(t, p.WaitSubscribers(testkit.Watchdog(t), "topic", 1))
				}
				update(t, a)
				update(t, b)
				testkit.Eventually(t, "all have come", func() bool { return to.Stats().Recv.Arrived == 2*updates })
				for range 2 {
					expect(t, to, "topic", fmt.Sprint(updates-1), "")
				}
				quiet(t, to)
				if d := to.Stats().Recv.Dropped; d["overflow"] != 2*(updates-1) || testkit.Sum(d) != d["overflow"] {
					t.Errorf("dropped are %v", d)
				}
				testkit.Shut(t, a, b, to)
			})
		})
	}
}

// What a conflating sender has for a connection that breaks is dropped: there will be newer.
func TestConflatedIsNotGivenBack(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push := zmq.NewPush(&zmq.PushOptions{Conflate: true})
	full, next := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{RecvQueue: 1}}), zmq.NewPull(nil)
	e := testkit.DialTo(t, push, testkit.ListenOn(t, full, "inproc"))
	update(t, push)
	testkit.Check(t, e.Close())
	testkit.DialTo(t, push, testkit.ListenOn(t, next, "inproc"))
	testkit.Check(t, push.Send(ctx, []byte("new")))
	expect(t, next, "new")
	quiet(t, next)
	if st := push.Stats().Send; st.Returned != 0 || st.Dropped["pipe_closed"] == 0 {
		t.Errorf("%+v", st)
	}
	testkit.Shut(t, push, full, next)
}
