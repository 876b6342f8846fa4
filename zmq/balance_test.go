// SPDX-License-Identifier: MIT

package zmq_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// spreading are sockets that send each message to one of their peers, with one that those can be.
func spreading() map[string]func() (sender, func() receiver) {
	brief := zmq.Options{SendQueue: 100, RecvQueue: 100}
	return map[string]func() (sender, func() receiver){
		"push": func() (sender, func() receiver) {
			return zmq.NewPush(&zmq.PushOptions{Options: brief}), func() receiver { return zmq.NewPull(&zmq.PullOptions{Options: brief}) }
		},
		"dealer": func() (sender, func() receiver) {
			return zmq.NewDealer(&zmq.DealerOptions{Options: brief}), func() receiver { return zmq.NewDealer(&zmq.DealerOptions{Options: brief}) }
		},
		"dealer to router": func() (sender, func() receiver) {
			return zmq.NewDealer(&zmq.DealerOptions{Options: brief}), func() receiver { return zmq.NewRouter(&zmq.RouterOptions{Options: brief}) }
		},
		"scatter": func() (sender, func() receiver) {
			return zmq.NewScatter(&brief), func() receiver { return zmq.NewGather(&brief) }
		},
		"client": func() (sender, func() receiver) {
			return zmq.NewClient(&brief), func() receiver { return zmq.NewServer(&brief) }
		},
	}
}

// Peers take turns, whole messages each.
func TestPeersTakeTurns(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		for name, open := range spreading() {
			t.Run(name, func(t *testing.T) {
				ctx := testkit.Watchdog(t)
				from, peer := open()
				e := testkit.ListenOn(t, from, scheme)
				peers := []receiver{peer(), peer(), peer()}
				for _, p := range peers {
					testkit.DialTo(t, p, e)
				}
				testkit.Check(t, from.WaitPipes(ctx, 3))
				for i := range 30 {
					testkit.Check(t, from.SendMsg(ctx, message(fmt.Sprint(i))))
				}
				var seen []string
				for _, p := range peers {
					first := -1
					for i := range 10 {
						m, err := p.RecvMsg(ctx)
						testkit.Check(t, err)
						frames := framesOf(m)
						var n int
						_, err = fmt.Sscan(string(frames[len(frames)-1]), &n) // after the identity
						testkit.Check(t, err)
						if first < 0 {
							first = n
						}
						if n != first+3*i {
							t.Errorf("message %d of a peer is the %dth", i, n)
						}
						seen = append(seen, fmt.Sprint(n))
					}
					quiet(t, p)
				}
				slices.Sort(seen)
				if len(slices.Compact(seen)) != 30 {
					t.Errorf("some came twice: %v", seen)
				}
				testkit.Shut(t, append([]testkit.Socket{from}, peers[0], peers[1], peers[2])...)
			})
		}
	})
}

// A peer that sends much does not keep others from being heard: pipes take turns of at most 64 messages.
func TestReceiversAreFair(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for name, w := range ways() {
		if name == "pair to pair" || name == "channel to channel" {
			continue // they have one peer
		}
		t.Run(name, func(t *testing.T) {
			loud, to := w.open(zmq.Options{})
			still, other := w.open(zmq.Options{})
			testkit.Check(t, other.Close())
			connect(t, "inproc", loud, to)
			join(t, "inproc", to, still)
			if p, ok := still.(*zmq.XPub); ok {
				testkit.Check(t, p.WaitSubscribers(ctx, "", 1))
			}
			if p, ok := still.(*zmq.Pub); ok {
				testkit.Check(t, p.WaitSubscribers(ctx, "", 1))
			}
			for range 1000 {
				testkit.Check(t, loud.SendMsg(ctx, message("loud")))
			}
			testkit.Check(t, still.SendMsg(ctx, message("still")))
			testkit.Check(t, loud.Flush(ctx))
			testkit.Check(t, still.Flush(ctx))
			for i := 0; ; i++ {
				m, err := to.RecvMsg(ctx)
				testkit.Check(t, err)
				if string(m.Bytes()) == "still" {
					if i > 64 {
						t.Errorf("it was heard after %d messages of the other", i)
					}
					break
				}
			}
			for range 1000 {
				if _, err := to.TryRecvMsg(); err != nil {
					break
				}
			}
			testkit.Shut(t, loud, still, to)
		})
	}
}

// What a connection that breaks has not sent goes to another, frames and all.
func TestUnsentGoesToTheNextConnection(t *testing.T) {
	for name, open := range spreading() {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			from, peer := open()
			full, next := peer(), peer()
			e := testkit.DialTo(t, from, testkit.ListenOn(t, full, "inproc")) // takes what its queue has room for, and is not received from
			single := name == "scatter" || name == "client"
			for i := range 1000 {
				m := message(fmt.Sprint(i))
				if !single {
					m.AppendFrame([]byte("end"))
				}
				if err := from.TrySendMsg(m); err != nil {
					testkit.Wants(t, err, spry.ErrWouldBlock)
					break
				}
			}
			waiting := from.Stats().Send.Queued
			if waiting == 0 {
				t.Fatal("nothing waits")
			}
			testkit.Check(t, e.Close())
			join(t, "inproc", from, next)
			last := -1
			for range waiting {
				m, err := next.RecvMsg(ctx)
				testkit.Check(t, err)
				frames := framesOf(m)
				if _, ok := next.(*zmq.Router); ok {
					frames = frames[1:]
				}
				if single != (len(frames) == 1) {
					t.Fatalf("got %s", text(frames))
				}
				var n int
				_, err = fmt.Sscan(string(frames[0]), &n)
				testkit.Check(t, err)
				if n != last+1 && last >= 0 {
					t.Fatalf("message %d came after %d", n, last)
				}
				last = n
			}
			quiet(t, next)
			if r := from.Stats().Send.Returned; r != waiting {
				t.Errorf("%d messages were given back, want %d", r, waiting)
			}
			testkit.Shut(t, from, next, full)
		})
	}
}

// Messages that a Pair's peer has not got are for nobody else, and are counted.
func TestUnsentOfAPairIsCounted(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	short := &zmq.Options{SendQueue: 4, RecvQueue: 4}
	a, b, next := zmq.NewPair(short), zmq.NewPair(short), zmq.NewPair(short)
	e := testkit.ListenOn(t, a, "inproc")
	d := testkit.DialTo(t, b, e)
	_, err := next.DialWith(ctx, &spry.DialConfig{URL: e.URL()})
	testkit.Wants(t, err, spry.ErrBusy)
	for i := range 8 {
		testkit.Check(t, a.Send(ctx, raw(fmt.Sprint(i), "end")...))
	}
	testkit.Wants(t, a.TrySendMsg(message("no room")), spry.ErrWouldBlock)
	testkit.Check(t, d.Close())
	testkit.Eventually(t, "they are dropped, and there is a place", func() bool {
		st := a.Stats()
		return st.Send.Dropped["pipe_closed"] == 4 && st.Endpoints[0].Pipes == 0
	})
	testkit.DialTo(t, next, e)
	testkit.Check(t, a.Send(ctx, raw("for", "you")...))
	expect(t, next, "for", "you")
	testkit.Shut(t, a, next, b)
}

func TestLeastLoaded(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push := zmq.NewPush(&zmq.PushOptions{LeastLoaded: true, Options: zmq.Options{SendQueue: 100}})
	short := zmq.Options{RecvQueue: 1}
	slow, quick := zmq.NewPull(&zmq.PullOptions{Options: short}), zmq.NewPull(&zmq.PullOptions{Options: short})
	e := testkit.ListenOn(t, push, "inproc")
	testkit.DialTo(t, slow, e)
	for i := range 11 {
		testkit.Check(t, push.Send(ctx, []byte("s"), []byte{byte(i)})) // one is taken, ten wait
	}
	testkit.DialTo(t, quick, e)
	testkit.Check(t, push.WaitPipes(ctx, 2))
	for i := range 10 {
		testkit.Check(t, push.Send(ctx, []byte("q"), []byte{byte(i)}))
		expect(t, quick, "q", string(rune(i)))
	}
	for i := range 11 {
		expect(t, slow, "s", string(rune(i)))
	}
	quiet(t, slow)
	testkit.Shut(t, push, slow, quick)
}
