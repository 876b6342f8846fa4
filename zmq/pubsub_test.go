// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A subscriber gets messages whose first frame begins with what it subscribed to, whatever is in the others.
func TestTopicsAreOfTheFirstFrame(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		pub, sub, xpub, all := zmq.NewPub(nil), zmq.NewSub(nil), zmq.NewXPub(nil), zmq.NewXSub(nil)
		testkit.Check(t, sub.Subscribe("a", "bb"))
		for _, p := range []socket{pub, xpub} {
			e := testkit.ListenOn(t, p, scheme)
			testkit.DialTo(t, sub, e)
			testkit.DialTo(t, all, e)
		}
		testkit.Check(t, all.Subscribe("")) // while it is connected
		for _, p := range []interface {
			sender
			WaitSubscribers(context.Context, string, int) error
		}{pub, xpub} {
			testkit.Check(t, p.WaitSubscribers(ctx, "a.", 2))
			testkit.Check(t, p.WaitSubscribers(ctx, "bb", 2))
			testkit.Check(t, p.WaitSubscribers(ctx, "b", 1))
			sent := [][]string{{"a"}, {"b", "bb"}, {"", "a"}, {"bb", ""}, {"ab", "c", "d"}, {"A"}, {""}, {"bbb"}}
			for _, frames := range sent {
				testkit.Check(t, p.SendMsg(ctx, message(frames...)))
			}
			for _, frames := range sent {
				expect(t, all, frames...)
			}
			for _, i := range []int{0, 3, 4, 7} {
				expect(t, sub, sent[i]...)
			}
			quiet(t, sub)
			if f := sub.Stats().Recv.Filtered; f != 0 {
				t.Errorf("%d messages were filtered by the subscriber", f)
			}
		}
		testkit.Shut(t, pub, xpub, sub, all)
	})
}

// Topics are taken back as often as they were added, by subscribers of both kinds.
func TestUnsubscribe(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		sub, xsub := zmq.NewSub(nil), zmq.NewXSub(nil)
		for _, s := range []interface {
			receiver
			Subscribe(...string) error
			Unsubscribe(...string) error
		}{sub, xsub} {
			pub := zmq.NewPub(nil)
			e := testkit.ListenOn(t, pub, scheme)
			testkit.Wants(t, s.Unsubscribe("a"), spry.ErrNotSubscribed)
			testkit.Check(t, s.Subscribe("a", "a", "b"))
			d := testkit.DialTo(t, s, e)
			testkit.Check(t, s.Unsubscribe("a"))
			testkit.Check(t, pub.WaitSubscribers(ctx, "a", 1))
			testkit.Check(t, pub.WaitSubscribers(ctx, "b", 1))
			testkit.Check(t, pub.Send(ctx, []byte("a")))
			expect(t, s, "a")
			testkit.Check(t, s.Unsubscribe("a"))
			testkit.Wants(t, s.Unsubscribe("a"), spry.ErrNotSubscribed)
			testkit.Check(t, s.Subscribe("last")) // when this is known, so is what came before
			testkit.Check(t, pub.WaitSubscribers(ctx, "last", 1))
			testkit.Check(t, pub.Send(ctx, []byte("a")))
			testkit.Check(t, pub.Send(ctx, []byte("b")))
			expect(t, s, "b")
			testkit.Check(t, d.Close())
			testkit.Check(t, s.Close())
			testkit.Wants(t, s.Subscribe("x"), spry.ErrClosed)
			testkit.Wants(t, s.Unsubscribe("b"), spry.ErrClosed)
			gone, cancel := context.WithCancel(ctx)
			cancel()
			testkit.Wants(t, pub.WaitSubscribers(gone, "x", 1), context.Canceled)
			testkit.Shut(t, pub)
		}
		testkit.Shut(t, sub, xsub)
	})
}

// Ten thousand topics are told again over a new connection, and none is forgotten.
func TestTopicsSurviveAReconnect(t *testing.T) {
	const many = 10_000
	quick := zmq.Options{Backoff: spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}}
	topic := func(i int) string { return fmt.Sprintf("%05d.", i) }
	for name, sub := range map[string]interface {
		receiver
		Subscribe(...string) error
	}{"sub": zmq.NewSub(&zmq.SubOptions{Options: quick}), "xsub": zmq.NewXSub(&zmq.XSubOptions{Options: quick})} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 10})
			join(t, "tcp", sub, pub)
			for i := range many {
				testkit.Check(t, sub.Subscribe(topic(i)))
			}
			testkit.Check(t, pub.WaitSubscribers(ctx, topic(many-1), 1))
			for p := range pub.Pipes() {
				testkit.Check(t, p.Close())
			}
			testkit.Eventually(t, "a new connection", func() bool { return pub.Stats().Endpoints[0].Established == 2 })
			for i := range many {
				testkit.Check(t, pub.WaitSubscribers(ctx, topic(i), 1))
				testkit.Check(t, pub.Send(ctx, []byte(topic(i)), []byte("value")))
			}
			for i := range many {
				expect(t, sub, topic(i), "value")
			}
			testkit.Shut(t, pub, sub)
		})
	}
}

// What happens to messages for a subscriber that does not keep up.
func TestOverflowOfAPublisher(t *testing.T) {
	const more = 20
	type publisher interface {
		sender
		WaitSubscribers(context.Context, string, int) error
	}
	for name, open := range map[string]func(o zmq.Options, v spry.Overflow) publisher{
		"pub": func(o zmq.Options, v spry.Overflow) publisher {
			return zmq.NewPub(&zmq.PubOptions{Options: o, Overflow: v})
		},
		"xpub": func(o zmq.Options, v spry.Overflow) publisher {
			return zmq.NewXPub(&zmq.XPubOptions{Options: o, Overflow: v, LastValues: 3})
		},
	} {
		for policy, v := range map[string]spry.Overflow{"oldest": spry.DropOldest, "newest": spry.DropNewest, "block": spry.Block, "disconnect": spry.Disconnect} {
			t.Run(name+"/"+policy, func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				pub := open(zmq.Options{SendQueue: 3}, v)
				slow := zmq.NewSub(&zmq.SubOptions{Options: zmq.Options{RecvQueue: 1}, Overflow: spry.Block})
				quick := zmq.NewSub(nil)
				testkit.Check(t, slow.Subscribe(""))
				testkit.Check(t, quick.Subscribe(""))
				e := testkit.ListenOn(t, pub, "inproc")
				d := testkit.DialTo(t, slow, e)
				testkit.DialTo(t, quick, e)
				testkit.Check(t, pub.WaitSubscribers(ctx, "", 2))
				sent := 0
				for ; sent < more; sent++ {
					m := message(fmt.Sprint(sent), "frame")
					if err := pub.TrySendMsg(m); err != nil {
						testkit.Wants(t, err, spry.ErrWouldBlock)
						is(t, framesOf(m), fmt.Sprint(sent), "frame")
						break
					}
					expect(t, quick, fmt.Sprint(sent), "frame") // it has all, and at once
				}
				switch v {
				case spry.DropOldest, spry.DropNewest:
					testkit.Eventually(t, "what does not fit is dropped", func() bool { return pub.Stats().Send.Dropped["overflow"] == more-4 })
					kept := 0
					for i := -1; kept < 4; kept++ {
						m, err := slow.RecvMsg(ctx)
						testkit.Check(t, err)
						var n int
						_, err = fmt.Sscan(string(framesOf(m)[0]), &n)
						testkit.Check(t, err)
						if n <= i || v == spry.DropNewest && n != kept || v == spry.DropOldest && kept == 3 && n != more-1 {
							t.Errorf("message %d is kept at place %d", n, kept)
						}
						i = n
					}
					quiet(t, slow)
				case spry.Block:
					if sent < 3 || sent > 5 {
						t.Errorf("sent %d messages before it waits", sent)
					}
					waited := make(chan error)
					go func() { waited <- pub.SendMsg(ctx, message("late", "frame")) }()
					for i := range sent {
						expect(t, slow, fmt.Sprint(i), "frame")
					}
					testkit.Check(t, <-waited)
					expect(t, slow, "late", "frame")
					expect(t, quick, "late", "frame")
				case spry.Disconnect:
					testkit.Eventually(t, "it is disconnected", func() bool {
						st := pub.Stats()
						e := st.Endpoints[0]
						return st.Send.Dropped["overflow"] > 0 && (e.Pipes == 1 || e.Established > 2) // or has redialed
					})
					testkit.Check(t, d.Close())
				}
				testkit.Shut(t, pub, slow, quick)
			})
		}
	}
}

// What happens to messages for a subscriber whose own queue is full.
func TestOverflowOfASubscriber(t *testing.T) {
	for policy, want := range map[spry.Overflow][]string{
		spry.DropOldest: {"7", "8", "9"}, spry.DropNewest: {"0", "1", "2"},
		spry.Block: {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	} {
		overTwoWires(t, func(t *testing.T, scheme string) {
			ctx := testkit.Watchdog(t)
			pub, sub := zmq.NewPub(nil), zmq.NewSub(&zmq.SubOptions{Options: zmq.Options{RecvQueue: 3}, Overflow: policy})
			testkit.Check(t, sub.Subscribe(""))
			connect(t, scheme, pub, sub)
			for i := range 10 {
				testkit.Check(t, pub.Send(ctx, []byte(fmt.Sprint(i)), nil))
			}
			if policy != spry.Block {
				testkit.Eventually(t, "all have come", func() bool { return sub.Stats().Recv.Arrived == 10 })
			}
			for _, w := range want {
				expect(t, sub, w, "")
			}
			quiet(t, sub)
			if d := sub.Stats().Recv.Dropped; d["overflow"] != uint64(10-len(want)) || testkit.Sum(d) != d["overflow"] {
				t.Errorf("dropped are %v", d)
			}
			testkit.Shut(t, pub, sub)
		})
	}
}
