// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

type drains interface {
	receiver
	Drain(context.Context) (spry.DrainReport, error)
}

// drainAfter receives n messages, drains, and returns how many came in all.
func drainAfter(t *testing.T, to drains, n int) (got int) {
	ctx := testkit.Watchdog(t)
	var draining sync.WaitGroup
	defer draining.Wait()
	for m, err := range to.Messages(ctx) {
		testkit.Check(t, err)
		m.Release()
		if got++; got == n {
			draining.Go(func() {
				if r, err := to.Drain(ctx); err != nil || r.Left+uint64(r.Unanswered+r.Cut) > 0 {
					t.Errorf("Drain: %+v, %v", r, err)
				}
			})
		}
	}
	return got
}

func TestDrain(t *testing.T) {
	for name, w := range ways() {
		t.Run(name, func(t *testing.T) {
			overEveryWire(t, func(t *testing.T, scheme string) {
				from, r := w.open(zmq.Options{SendQueue: 100, RecvQueue: 100, Linger: -1})
				to, ok := r.(drains)
				if !ok {
					testkit.Shut(t, from, r)
					return // it replies as its program likes
				}
				connect(t, scheme, from, to)
				sendsWhatItSent(t, from, to)
			})
		})
	}
}

// sendsWhatItSent drains the receiver of a sender at work and checks that everything arrived that the sender counts as sent.
func sendsWhatItSent(t *testing.T, from sender, to drains) {
	until, stop := context.WithCancel(testkit.Watchdog(t))
	var sending sync.WaitGroup
	sending.Go(func() {
		for until.Err() == nil && from.SendMsg(until, zmq.NewMessage([]byte("message"))) == nil {
		}
	})
	got := drainAfter(t, to, 1000)
	stop()
	sending.Wait()
	testkit.Eventually(t, "the receiver has gone", func() bool { return len(from.Stats().Pipes) == 0 })
	st, arrived := from.Stats().Send, to.Stats().Recv // a subscriber may have dropped some of what came
	if st.Sent != uint64(got)+arrived.Dropped["overflow"] || testkit.Sum(st.Dropped) != st.Dropped["overflow"] {
		t.Errorf("%d were received; the sender: %+v", got, st)
	}
	if err := from.Close(); err != nil && !errors.Is(err, spry.ErrUnsent) { // what it was given back waits for another receiver
		t.Error(err)
	}
	testkit.Shut(t, to)
}

func TestDrainOfASealedConnection(t *testing.T) {
	leak.Check(t)
	server, serverSecret := newKeys(t)
	client, clientSecret := newKeys(t)
	push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{
		SendQueue: 100, Linger: -1, Security: zmq.CurveServer{Secret: serverSecret, Check: zmq.AllowKeys(client)},
	}})
	pull := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{
		RecvQueue: 100, Security: zmq.CurveClient{Secret: clientSecret, Server: server},
	}})
	connect(t, "tcp", push, pull)
	sendsWhatItSent(t, push, pull)
}

func TestDrainOfADish(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		radio, dish := zmq.NewRadio(nil), zmq.NewDish(nil)
		testkit.Check(t, dish.Join("group"))
		join(t, scheme, dish, radio)
		testkit.Check(t, radio.WaitSubscribers(testkit.Watchdog(t), "group", 1))
		until, stop := context.WithCancel(testkit.Watchdog(t))
		var sending sync.WaitGroup
		sending.Go(func() {
			for until.Err() == nil && radio.Send(until, "group", nil) == nil {
			}
		})
		got := drainAfter(t, dish, 1000)
		stop()
		sending.Wait()
		testkit.Eventually(t, "the dish has gone", func() bool { return len(radio.Stats().Pipes) == 0 })
		if st := radio.Stats().Send; dish.Stats().Recv.Arrived != st.Sent || got == 0 {
			t.Errorf("%d were received, %d arrived; the radio: %+v", got, dish.Stats().Recv.Arrived, st)
		}
		testkit.Shut(t, radio, dish)
	})
}
