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
	"github.com/sprymq/spry/zmq"
)

// An XPub hears of every topic once, of the first who wants it and after the last who did.
func TestXPubHearsOfSubscriptions(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		pub, one, two := zmq.NewXPub(nil), zmq.NewSub(nil), zmq.NewXSub(nil)
		e := listenOn(t, pub, scheme)
		d := dialTo(t, one, e)
		dialTo(t, two, e)
		check(t, pub.WaitPipes(ctx, 2))
		check(t, one.Subscribe("a", "a"))
		expect(t, pub, "\x01a")
		check(t, two.Subscribe("a", ""))
		expect(t, pub, "\x01")
		check(t, one.Unsubscribe("a"))
		check(t, two.Unsubscribe("a", ""))
		expect(t, pub, "\x00")
		check(t, two.Subscribe("b"))
		expect(t, pub, "\x01b")
		check(t, one.Subscribe("b"))
		check(t, pub.WaitSubscribers(ctx, "b", 2))

		next, stop := iter.Pull2(pub.Subscriptions(ctx))
		defer stop()
		check(t, d.Close()) // who goes is not subscribed any more, where another still is
		change(t, next, zmq.Subscription{Topic: "a", Cancelled: true})
		check(t, two.Unsubscribe("b"))
		change(t, next, zmq.Subscription{Topic: "b", Cancelled: true})
		check(t, two.Subscribe("c\x00d"))
		change(t, next, zmq.Subscription{Topic: "c\x00d"})
		check(t, two.SendMsg(ctx, message("beside", "that")))
		expect(t, pub, "beside", "that")
		check(t, two.Close())
		change(t, next, zmq.Subscription{Topic: "c\x00d", Cancelled: true})
		shut(t, two, pub, one)
		if _, _, more := next(); more {
			t.Error("a closed XPub has subscriptions")
		}
	})
}

func change(t *testing.T, next func() (zmq.Subscription, error, bool), want zmq.Subscription) {
	t.Helper()
	got, err, ok := next()
	check(t, err)
	if !ok || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, ok, want)
	}
}

func TestSubscriptionsEndWithTheContext(t *testing.T) {
	leak.Check(t)
	pub := zmq.NewXPub(nil)
	ctx, cancel := context.WithCancel(watchdog(t))
	told := make(chan error)
	go func() {
		for _, err := range pub.Subscriptions(ctx) {
			told <- err
		}
		close(told)
	}()
	cancel()
	wants(t, <-told, context.Canceled)
	if err, more := <-told; more {
		t.Errorf("and then %v", err)
	}
	shut(t, pub)
}

// What was taken back before anybody heard of it has not happened, so that an application that does not listen keeps nothing.
func TestUnheardSubscriptionsCoalesce(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		pub, sub := zmq.NewXPub(nil), zmq.NewSub(nil)
		join(t, scheme, sub, pub)
		for i := range 1000 {
			check(t, sub.Subscribe(fmt.Sprint(i)))
			check(t, sub.Unsubscribe(fmt.Sprint(i)))
		}
		check(t, sub.Subscribe("stays"))
		check(t, pub.WaitSubscribers(ctx, "stays", 1))
		expect(t, pub, "\x01stays")
		quiet(t, pub)
		check(t, sub.Close())
		expect(t, pub, "\x00stays")
		shut(t, pub, sub)
	})
}

// A peer's topics are a set: one cancellation ends any number of subscriptions, which is what peers of other makes expect.
func TestTopicsOfAPeerAreASet(t *testing.T) {
	leak.Check(t)
	pub := zmq.NewXPub(nil)
	e := listenOn(t, pub, "tcp")
	subscribe, cancel := "\x04\x0b\x09SUBSCRIBEx", "\x04\x08\x06CANCELx"
	said := subscribe + subscribe + subscribe + cancel + subscribe + "\x00\x02\x01y" + "\x00\x02\x00y" + cancel + "\x00\x05\x01done"
	c := rawPeer(t, e, append(greeting("SUB"), said...))
	check(t, pub.WaitSubscribers(watchdog(t), "done", 1))
	expect(t, pub, "\x01done")
	quiet(t, pub)
	_ = c.Close()
	expect(t, pub, "\x00done")
	shut(t, pub)
}

// greeting is what a peer of some kind says first, as bytes.
func greeting(kind string) []byte {
	said := append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'}, make([]byte, 48)...)
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(kind))) + kind
	return append(append(said, 4, byte(len(ready))), ready...)
}

// Every new peer gets the welcome before all else.
func TestWelcome(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		welcome := raw("hello", "", "you")
		pub := zmq.NewXPub(&zmq.XPubOptions{Welcome: welcome, LastValues: 5})
		welcome[0][0] = 'X' // it was copied
		check(t, pub.Send(ctx, raw("a", "kept")...))
		e := listenOn(t, pub, scheme)
		asks, takesAll, other := zmq.NewSub(nil), zmq.NewXSub(nil), zmq.NewSub(nil)
		check(t, asks.Subscribe("a", "hel"))
		check(t, takesAll.Subscribe("a"))
		check(t, other.Subscribe("a"))
		for _, s := range []receiver{asks, takesAll, other} {
			dialTo(t, s, e)
			if s != receiver(other) {
				expect(t, s, "hello", "", "you")
			}
			expect(t, s, "a", "kept")
			quiet(t, s)
		}
		if f := other.Stats().Recv.Filtered; f != 1 {
			t.Errorf("who has not subscribed to the welcome filtered %d messages, want it", f)
		}
		shut(t, pub, asks, takesAll, other)
	})
}

// A new subscription is sent the last message of every topic that it wants, in the order in which they were sent.
func TestLastValues(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 3})
		check(t, pub.Send(ctx, raw("forgotten", "1")...))
		check(t, pub.Send(ctx, raw("a.1", "old")...))
		check(t, pub.Send(ctx, []byte("b")))
		check(t, pub.SendMsg(ctx, message("a.2", "", "x")))
		check(t, pub.TrySendMsg(message("a.1", "new")))
		e := listenOn(t, pub, scheme)
		sub := zmq.NewSub(&zmq.SubOptions{Options: zmq.Options{Backoff: spry.Backoff{Min: time.Millisecond}}})
		dialTo(t, sub, e)
		check(t, sub.Subscribe("a"))
		expect(t, sub, "a.2", "", "x")
		expect(t, sub, "a.1", "new")
		check(t, sub.Subscribe("")) // what it has already comes again, with the rest
		expect(t, sub, "b")
		expect(t, sub, "a.2", "", "x")
		expect(t, sub, "a.1", "new")
		check(t, sub.Subscribe("")) // which is not new
		check(t, sub.Subscribe("nothing"))
		check(t, pub.WaitSubscribers(ctx, "nothing", 1))
		check(t, pub.Send(ctx, raw("c")...))
		expect(t, sub, "c")

		check(t, sub.Unsubscribe("", "", "a"))
		check(t, sub.Subscribe("c"))
		expect(t, sub, "c")
		check(t, sub.Unsubscribe("nothing"))
		for p := range pub.Pipes() {
			check(t, p.Close())
		}
		expect(t, sub, "c") // again, over the new connection
		shut(t, pub, sub)
	})
}

// A forwarder of an XSub and an XPub carries messages one way and subscriptions the other.
func TestForwarder(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		front, back := zmq.NewXSub(nil), zmq.NewXPub(nil)
		in, out := listenOn(t, front, scheme), listenOn(t, back, scheme)
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
		check(t, sub.Subscribe("a"))
		dialTo(t, sub, out)
		dialTo(t, pub, in)
		check(t, pub.WaitSubscribers(ctx, "a", 1))
		check(t, pub.Send(ctx, raw("b", "nobody")...))
		check(t, pub.Send(ctx, raw("a", "first")...))
		expect(t, sub, "a", "first")
		if n := front.Stats().Recv.Arrived; n != 1 {
			t.Errorf("%d messages came to the forwarder, want one", n)
		}
		check(t, second.Subscribe("a", "b"))
		dialTo(t, second, out)
		check(t, pub.WaitSubscribers(ctx, "b", 1))
		check(t, pub.Send(ctx, raw("a", "both")...))
		expect(t, sub, "a", "both")
		expect(t, second, "a", "both")
		check(t, second.Close())
		eventually(t, "the publisher knows", func() bool {
			before := pub.Stats().Send.Offered
			check(t, pub.Send(ctx, raw("b", "nobody")...))
			return pub.Stats().Send.Offered == before
		})
		late := zmq.NewPub(nil) // which is told what is subscribed to already
		dialTo(t, late, in)
		check(t, late.WaitSubscribers(ctx, "a", 1))
		check(t, late.Send(ctx, raw("a", "late")...))
		expect(t, sub, "a", "late")
		shut(t, pub, late, back, front, sub, second)
		<-done
		<-done
	})
}

// What an XSub sends is for XPub peers. Others count it.
func TestXSubToAPub(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		pub, sub := zmq.NewPub(nil), zmq.NewXSub(nil)
		join(t, scheme, sub, pub)
		check(t, sub.Send(watchdog(t), raw("for", "whom")...))
		check(t, sub.Send(watchdog(t), []byte("you")))
		eventually(t, "they are counted", func() bool { return sum(pub.Stats().Recv.Dropped) == 2 })
		shut(t, sub, pub)
	})
}

// An XSub sends subscriptions by what they are to an XPub.
func TestXSubSendsSubscriptions(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		pub, sub := zmq.NewXPub(nil), zmq.NewXSub(nil)
		check(t, sub.Send(ctx, []byte("\x01early")))
		join(t, scheme, sub, pub)
		expect(t, pub, "\x01early")
		m := message("\x01now")
		check(t, sub.SendMsg(ctx, m))
		is(t, framesOf(m), "")
		expect(t, pub, "\x01now")
		check(t, sub.TrySendMsg(message("\x00early")))
		expect(t, pub, "\x00early")
		m = message("\x00early")
		wants(t, sub.SendMsg(ctx, m), spry.ErrNotSubscribed)
		is(t, framesOf(m), "\x00early")
		check(t, sub.Send(ctx, raw("\x01is", "a message")...))
		expect(t, pub, "\x01is", "a message")
		check(t, sub.Send(ctx))
		expect(t, pub, "")
		shut(t, sub, pub)
	})
}
