// SPDX-License-Identifier: MIT

package zmq_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/zmq"
)

const updates = 50

// update sends messages of a topic, a number and a frame more.
func update(t *testing.T, from sender) {
	t.Helper()
	for i := range updates {
		check(t, from.SendMsg(watchdog(t), message("topic", fmt.Sprint(i), "")))
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
			ctx := watchdog(t)
			from, to := open()
			connect(t, "inproc", from, to)
			update(t, from)
			got := 0
			for last := ""; last != fmt.Sprint(updates-1); got++ {
				m, err := to.RecvMsg(ctx)
				check(t, err)
				last = string(framesOf(m)[1])
				is(t, framesOf(m), "topic", last, "")
			}
			quiet(t, to)
			st := from.Stats().Send
			if got > 3 || st.Dropped["conflated"] != uint64(updates-got) || sum(st.Dropped) != st.Dropped["conflated"] {
				t.Errorf("received %d of %d, dropped %v", got, updates, st.Dropped)
			}
			shut(t, from, to)
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
					check(t, p.WaitSubscribers(watchdog(t), "topic", 1))
				}
				update(t, a)
				update(t, b)
				eventually(t, "all have come", func() bool { return to.Stats().Recv.Arrived == 2*updates })
				for range 2 {
					expect(t, to, "topic", fmt.Sprint(updates-1), "")
				}
				quiet(t, to)
				if d := to.Stats().Recv.Dropped; d["overflow"] != 2*(updates-1) || sum(d) != d["overflow"] {
					t.Errorf("dropped are %v", d)
				}
				shut(t, a, b, to)
			})
		})
	}
}

// What a conflating sender has for a connection that breaks is dropped: there will be newer.
func TestConflatedIsNotGivenBack(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	push := zmq.NewPush(&zmq.PushOptions{Conflate: true})
	full, next := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{RecvQueue: 1}}), zmq.NewPull(nil)
	e := dialTo(t, push, listenOn(t, full, "inproc"))
	update(t, push)
	check(t, e.Close())
	dialTo(t, push, listenOn(t, next, "inproc"))
	check(t, push.Send(ctx, []byte("new")))
	expect(t, next, "new")
	quiet(t, next)
	if st := push.Stats().Send; st.Returned != 0 || st.Dropped["pipe_closed"] == 0 {
		t.Errorf("%+v", st)
	}
	shut(t, push, full, next)
}
