// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A budgeted pair is a sender that waits where its queue is full, and a receiver.
type budgetedPair struct {
	from, to testkit.Socket
	message  func(body []byte) *spry.Message
}

// waitingSenders are the patterns whose Send waits.
func waitingSenders() map[string]func(o, peer spry.Options) budgetedPair {
	plain := func(body []byte) *spry.Message { return spry.WrapMessage(body, nil) }
	return map[string]func(o, peer spry.Options) budgetedPair{
		"Push": func(o, peer spry.Options) budgetedPair {
			return budgetedPair{spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: peer}), plain}
		},
		"Push, least loaded": func(o, peer spry.Options) budgetedPair {
			return budgetedPair{spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: true}), spry.NewPull(&spry.PullOptions{Options: peer}), plain}
		},
		"Pair": func(o, peer spry.Options) budgetedPair {
			return budgetedPair{spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: peer}), plain}
		},
		"Pub": func(o, peer spry.Options) budgetedPair {
			sub := spry.NewSub(&spry.SubOptions{Options: peer, Overflow: spry.Block})
			_ = sub.Subscribe("")
			return budgetedPair{spry.NewPub(&spry.PubOptions{Options: o, Overflow: spry.Block}), sub, plain}
		},
		"zmq.Push": func(o, peer spry.Options) budgetedPair {
			return budgetedPair{zmq.NewPush(&zmq.PushOptions{Options: o}), zmq.NewPull(&zmq.PullOptions{Options: peer}), plain}
		},
		"zmq.Router": func(o, peer spry.Options) budgetedPair {
			peer.Identity = "peer"
			return budgetedPair{
				zmq.NewRouter(&zmq.RouterOptions{Options: o, Mandatory: true}), zmq.NewDealer(&zmq.DealerOptions{Options: peer}),
				func(body []byte) *spry.Message { return zmq.NewMessage([]byte("peer"), body) },
			}
		},
	}
}

// A Send that waits because others have taken the budget goes on when they give it back, though nothing happens on its own
// connection.
func TestBudgetWakesOtherSockets(t *testing.T) {
	for name, open := range waitingSenders() {
		for _, scheme := range append(simnet.New(1).Schemes(), "inproc") {
			if strings.HasPrefix(name, "zmq.") && strings.HasSuffix(scheme, "msg") {
				continue // which cannot carry ZeroMQ
			}
			for _, way := range []string{"received", "connection closed", "socket closed"} {
				t.Run(name+"/"+scheme+"/"+way, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testBudgetWakes(t, open, scheme, way) })
				})
			}
		}
	}
}

func testBudgetWakes(t *testing.T, open func(o, peer spry.Options) budgetedPair, scheme, way string) {
	n := simnet.New(1)
	o := testkit.Private()
	o.Transports, o.Linger, o.Heartbeat = testkit.Simulated(n).Transports, -1, -1
	o.SendQueueBytes, o.RecvQueueBytes = 4<<20, 64<<10
	peers := o
	peers.Budget = spry.NewBudget(spry.BudgetConfig{})
	o.Budget = spry.NewBudget(spry.BudgetConfig{Bytes: 1 << 20})
	connect := func(p budgetedPair, name string) {
		_, err := p.to.ListenWith(t.Context(), &spry.ListenConfig{URL: scheme + "://" + name})
		testkit.Check(t, err)
		_, err = p.from.DialWith(t.Context(), &spry.DialConfig{URL: scheme + "://" + name})
		testkit.Check(t, err)
		synctest.Wait()
	}
	hog := budgetedPair{spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: peers}), nil}
	small := open(o, peers)
	for _, s := range []testkit.Socket{hog.from, hog.to, small.from, small.to} {
		defer s.Close()
	}
	connect(hog, "hog")
	connect(small, "small")
	fill := func(try func(m *spry.Message) error, message func() *spry.Message) {
		for refused := 0; refused < 3; {
			switch err := try(message()); {
			case errors.Is(err, spry.ErrWouldBlock):
				refused++
				time.Sleep(time.Second)
			default:
				testkit.Check(t, err)
			}
		}
	}
	push := hog.from.(*spry.Push)
	fill(push.TrySendMsg, func() *spry.Message { return spry.WrapMessage(make([]byte, 4<<10), nil) })
	message := func() *spry.Message { return small.message(make([]byte, 4<<10)) }
	from := small.from.(interface {
		spry.Sender
		TrySendMsg(m *spry.Message) error
	})
	fill(from.TrySendMsg, message)
	if st := o.Budget.Stats(); st.Bytes < st.MaxBytes/2 || from.(testkit.Socket).Stats().Send.QueuedBytes > 1<<20 {
		t.Fatalf("it is not the budget that has no room: %+v", st)
	}
	if st := o.Budget.Stats(); st.PeakBytes > st.MaxBytes*11/10 {
		t.Errorf("%d bytes were in use, and the limit is %d", st.PeakBytes, st.MaxBytes)
	}
	sent := make(chan error, 1)
	go func() { sent <- from.SendMsg(context.Background(), message()) }()
	time.Sleep(time.Hour)
	if synctest.Wait(); len(sent) > 0 {
		t.Fatalf("Send did not wait: %v", <-sent)
	}
	before := small.from.Stats().Send
	switch way {
	case "received":
		for pull := hog.to.(*spry.Pull); push.Stats().Send.Queued > 0; {
			_, err := pull.Recv(t.Context())
			testkit.Check(t, err)
			time.Sleep(time.Millisecond)
		}
	case "connection closed":
		for e := range push.Pipes() {
			testkit.Check(t, e.Close())
		}
		testkit.Check(t, hog.to.Close()) // what was given back has nowhere to go
		testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
	default:
		testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
	}
	synctest.Wait()
	if len(sent) == 0 {
		t.Fatalf("Send still waits, with %+v of the budget", o.Budget.Stats())
	}
	testkit.Check(t, <-sent)
	if after := small.from.Stats().Send; after.Offered != before.Offered+1 || testkit.Sum(after.Dropped) > 0 {
		t.Errorf("%d messages were offered, then %d, dropped are %v", before.Offered, after.Offered, after.Dropped)
	}
}
