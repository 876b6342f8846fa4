// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// An XPub hears of every topic once, of the first who wants it and after the last who did.
func TestXPubHearsOfSubscriptions(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		pub, one, two := zmq.NewXPub(nil), zmq.NewSub(nil), zmq.NewXSub(nil)
		e := testkit.ListenOn(t, pub, scheme)
		d := testkit.DialTo(t, one, e)
		testkit.DialTo(t, two, e)
		testkit.Check(t, pub.WaitPipes(ctx, 2))
		testkit.Check(t, one.Subscribe("a", "a"))
		expect(t, pub, "\x01a")
		testkit.Check(t, two.Subscribe("a", ""))
		expect(t, pub, "\x01")
		testkit.Check(t, one.Unsubscribe("a"))
		testkit.Check(t, two.Unsubscribe("a", ""))
		expect(t, pub, "\x00")
		testkit.Check(t, two.Subscribe("b"))
		expect(t, pub, "\x01b")
		testkit.Check(t, one.Subscribe("b"))
		testkit.Check(t, pub.WaitSubscribers(ctx, "b", 2))

		next, stop := iter.Pull2(pub.Subscriptions(ctx))
		defer stop()
		testkit.Check(t, d.Close()) // who goes is not subscribed any more, where another still is
		change(t, next, zmq.SubscriptionChange{Topic: "a", Cancelled: true})
		testkit.Check(t, two.Unsubscribe("b"))
		change(t, next, zmq.SubscriptionChange{Topic: "b", Cancelled: true})
		testkit.Check(t, two.Subscribe("c\x00d"))
		change(t, next, zmq.SubscriptionChange{Topic: "c\x00d"})
		testkit.Check(t, two.SendMsg(ctx, message("beside", "that")))
		expect(t, pub, "beside", "that")
		testkit.Check(t, two.Close())
		change(t, next, zmq.SubscriptionChange{Topic: "c\x00d", Cancelled: true})
		testkit.Shut(t, two, pub, one)
		if _, _, more := next(); more {
			t.Error("a closed XPub has subscriptions")
		}
	})
}

func change(t *testing.T, next func() (zmq.SubscriptionChange, error, bool), want zmq.SubscriptionChange) {
	t.Helper()
	got, err, ok := next()
	testkit.Check(t, err)
	if !ok || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, ok, want)
	}
}

func TestSubscriptionsEndWithTheContext(t *testing.T) {
	leak.Check(t)
	pub := zmq.NewXPub(nil)
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	errs := make(chan error)
	go func() {
		for _, err := range pub.Subscriptions(ctx) {
			errs <- err
		}
		close(errs)
	}()
	cancel()
	testkit.Wants(t, <-errs, context.Canceled)
	if err, more := <-errs; more {
		t.Errorf("and then %v", err)
	}
	testkit.Shut(t, pub)
}

// What was taken back before anybody heard of it has not happened, so that an application that does not listen keeps nothing.
func TestUnheardSubscriptionsCoalesce(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		pub, sub := zmq.NewXPub(nil), zmq.NewSub(nil)
		join(t, scheme, sub, pub)
		for i := range 1000 {
			testkit.Check(t, sub.Subscribe(fmt.Sprint(i)))
			testkit.Check(t, sub.Unsubscribe(fmt.Sprint(i)))
		}
		testkit.Check(t, sub.Subscribe("stays"))
		testkit.Check(t, pub.WaitSubscribers(ctx, "stays", 1))
		expect(t, pub, "\x01stays")
		quiet(t, pub)
		testkit.Check(t, sub.Close())
		expect(t, pub, "\x00stays")
		testkit.Shut(t, pub, sub)
	})
}

// A peer's topics are a set: one cancellation ends any number of subscriptions, which is what peers of other makes expect.
func TestTopicsOfAPeerAreASet(t *testing.T) {
	leak.Check(t)
	pub := zmq.NewXPub(nil)
	e := testkit.ListenOn(t, pub, "tcp")
	subscribe, cancel := "\x04\x0b\x09SUBSCRIBEx", "\x04\x08\x06CANCELx"
	said := subscribe + subscribe + subscribe + cancel + subscribe + "\x00\x02\x01y" + "\x00\x02\x00y" + cancel + "\x00\x05\x01done"
	c := rawPeer(t, e, testkit.OpenAs("SUB")+said)
	testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), "done", 1))
	expect(t, pub, "\x01done")
	quiet(t, pub)
	_ = c.Close()
	expect(t, pub, "\x00done")
	testkit.Shut(t, pub)
}

// Every new peer gets the welcome before all else.
func TestWelcome(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		welcome := raw("hello", "", "you")
		pub := zmq.NewXPub(&zmq.XPubOptions{Welcome: welcome, LastValues: 5})
		welcome[0][0] = 'X' // it was copied
		testkit.Check(t, pub.Send(ctx, raw("a", "kept")...))
		e := testkit.ListenOn(t, pub, scheme)
		asks, takesAll, other := zmq.NewSub(nil), zmq.NewXSub(nil), zmq.NewSub(nil)
		testkit.Check(t, asks.Subscribe("a", "hel"))
		testkit.Check(t, takesAll.Subscribe("a"))
		testkit.Check(t, other.Subscribe("a"))
		for _, s := range []receiver{asks, takesAll, other} {
			testkit.DialTo(t, s, e)
			if s != receiver(other) {
				expect(t, s, "hello", "", "you")
			}
			expect(t, s, "a", "kept")
			quiet(t, s)
		}
		if f := other.Stats().Recv.Filtered; f != 1 {
			t.Errorf("who has not subscribed to the welcome filtered %d messages, want it", f)
		}
		testkit.Shut(t, pub, asks, takesAll, other)
	})
}

// A new subscription is sent the last message of every topic that it wants, in the order in which they were sent.
func TestLastValues(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 3})
		testkit.Check(t, pub.Send(ctx, raw("forgotten", "1")...))
		testkit.Check(t, pub.Send(ctx, raw("a.1", "old")...))
		testkit.Check(t, pub.Send(ctx, []byte("b")))
		testkit.Check(t, pub.SendMsg(ctx, message("a.2", "", "x")))
		testkit.Check(t, pub.TrySendMsg(message("a.1", "new")))
		e := testkit.ListenOn(t, pub, scheme)
		sub := zmq.NewSub(&zmq.SubOptions{Options: zmq.Options{Backoff: spry.Backoff{Min: time.Millisecond}}})
		testkit.DialTo(t, sub, e)
		testkit.Check(t, sub.Subscribe("a"))
		expect(t, sub, "a.2", "", "x")
		expect(t, sub, "a.1", "new")
		testkit.Check(t, sub.Subscribe("")) // what it has already comes again, with the rest
		expect(t, sub, "b")
		expect(t, sub, "a.2", "", "x")
		expect(t, sub, "a.1", "new")
		testkit.Check(t, sub.Subscribe("")) // which is not new
		testkit.Check(t, sub.Subscribe("nothing"))
		testkit.Check(t, pub.WaitSubscribers(ctx, "nothing", 1))
		testkit.Check(t, pub.Send(ctx, raw("c")...))
		expect(t, sub, "c")

		testkit.Check(t, sub.Unsubscribe("", "", "a"))
		testkit.Check(t, sub.Subscribe("c"))
		expect(t, sub, "c")
		testkit.Check(t, sub.Unsubscribe("nothing"))
		for p := range pub.Pipes() {
			testkit.Check(t, p.Close())
		}
		expect(t, sub, "c") // again, over the new connection
		testkit.Shut(t, pub, sub)
	})
}

// A forwarder of an XSub and an XPub carries messages one way and subscriptions the other.
func TestForwarder(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		front, back := zmq.NewXSub(nil), zmq.NewXPub(nil)
		in, out := testkit.ListenOn(t, front, scheme), testkit.ListenOn(t, back, scheme)
		done := make(chan struct{}, 2)
		forward := func(from receiver, to sender) {
			for m, err := range from.Messages(context.Background()) {
				if err != nil || to.SendMsg(ctx, m) != nil {
					break
				}
			}
			done <- struct{}{}
		}
		go forward(front, back)
		go forward(back, front)

		pub, sub, second := zmq.NewPub(nil), zmq.NewSub(nil), zmq.NewSub(nil)
		testkit.Check(t, sub.Subscribe("a"))
		testkit.DialTo(t, sub, out)
		testkit.DialTo(t, pub, in)
		testkit.Check(t, pub.WaitSubscribers(ctx, "a", 1))
		testkit.Check(t, pub.Send(ctx, raw("b", "nobody")...))
		testkit.Check(t, pub.Send(ctx, raw("a", "first")...))
		expect(t, sub, "a", "first")
		if n := front.Stats().Recv.Arrived; n != 1 {
			t.Errorf("%d messages came to the forwarder, want one", n)
		}
		testkit.Check(t, second.Subscribe("a", "b"))
		testkit.DialTo(t, second, out)
		testkit.Check(t, pub.WaitSubscribers(ctx, "b", 1))
		testkit.Check(t, pub.Send(ctx, raw("a", "both")...))
		expect(t, sub, "a", "both")
		expect(t, second, "a", "both")
		testkit.Check(t, second.Close())
		testkit.Eventually(t, "the publisher knows", func() bool {
			before := pub.Stats().Send.Offered
			testkit.Check(t, pub.Send(ctx, raw("b", "nobody")...))
			return pub.Stats().Send.Offered == before
		})
		late := zmq.NewPub(nil) // which is told what is subscribed to already
		testkit.DialTo(t, late, in)
		testkit.Check(t, late.WaitSubscribers(ctx, "a", 1))
		testkit.Check(t, late.Send(ctx, raw("a", "late")...))
		expect(t, sub, "a", "late")
		testkit.Shut(t, pub, late, back, front, sub, second)
		<-done
		<-done
	})
}

// What an XSub sends is for XPub peers. Others count it.
func TestXSubToAPub(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		pub, sub := zmq.NewPub(nil), zmq.NewXSub(nil)
		join(t, scheme, sub, pub)
		testkit.Check(t, sub.Send(testkit.Watchdog(t), raw("for", "whom")...))
		testkit.Check(t, sub.Send(testkit.Watchdog(t), []byte("you")))
		testkit.Eventually(t, "they are counted", func() bool { return testkit.Sum(pub.Stats().Recv.Dropped) == 2 })
		testkit.Shut(t, sub, pub)
	})
}

// An XSub sends subscriptions by what they are to an XPub.
func TestXSubSendsSubscriptions(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		pub, sub := zmq.NewXPub(nil), zmq.NewXSub(nil)
		testkit.Check(t, sub.Send(ctx, []byte("\x01early")))
		join(t, scheme, sub, pub)
		expect(t, pub, "\x01early")
		m := message("\x01now")
		testkit.Check(t, sub.SendMsg(ctx, m))
		is(t, framesOf(m), "")
		expect(t, pub, "\x01now")
		testkit.Check(t, sub.TrySendMsg(message("\x00early")))
		expect(t, pub, "\x00early")
		m = message("\x00early")
		testkit.Wants(t, sub.SendMsg(ctx, m), spry.ErrNotSubscribed)
		is(t, framesOf(m), "\x00early")
		testkit.Check(t, sub.Send(ctx, raw("\x01is", "a message")...))
		expect(t, pub, "\x01is", "a message")
		testkit.Check(t, sub.Send(ctx))
		expect(t, pub, "")
		testkit.Shut(t, sub, pub)
	})
}
