// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// With Block, a full subscription stops the publisher for all; when it is closed, the others go on.
func TestClosingAFullSubscriptionLetsItsPublisherGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		pub, publishes := blockingPub(t, o)
		sub, subscribes := wantsAll(t, o)
		full := sub.Open("")
		visit(t, publishes, subscribes)
		const messages = 20
		sending := inBackground(func(ctx context.Context) error {
			for i := range byte(messages) {
				if err := pub.Send(ctx, true, []byte{i}, nil); err != nil {
					return err
				}
			}
			return nil
		})
		next := byte(0)
		take := func() {
			for {
				synctest.Wait()
				m, err := sub.First().TryRecv()
				if err != nil {
					return
				}
				if m.Body()[0] != next {
					t.Fatalf("message %d came, want %d", m.Body()[0], next)
				}
				next++
			}
		}
		take()
		if finished(t, sending) {
			t.Fatal("nobody waited for the full subscription")
		}
		full.Close()
		take()
		if !finished(t, sending) || next != messages {
			t.Errorf("the full subscription is closed, and %d of %d messages came", next, messages)
		}
	})
}

// A subscription remembers nothing of publishers that have gone.
func TestSubForgetsPastPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		sub, subscribes := wantsAll(t, o)
		other := sub.Open("")
		for range 3 {
			_, publishes := blockingPub(t, o)
			visit(t, subscribes, publishes)
			if n := len(other.sources); n != 1 {
				t.Fatalf("a subscription has %d sources, and there is one publisher", n)
			}
			if err := publishes.Close(); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if n := len(sub.pipes) + len(sub.first.sources) + len(other.sources); n != 0 {
			t.Errorf("all publishers have gone, and %d are remembered", n)
		}
	})
}

// What a reader still finds when its pipe is over is counted and dropped, not given to subscriptions, which forgot the pipe.
func TestSubReceivesAfterTheEndOfThePipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		sub, subscribes := wantsAll(t, o)
		_, publishes := blockingPub(t, o)
		visit(t, subscribes, publishes)
		p := subscribes.Pipes()[0]
		must(t, publishes.Close())
		synctest.Wait()
		run := []msg.Message{msg.Of([]byte("late")), msg.Of([]byte("later"))}
		if n := sub.Receive(p, run); n != len(run) {
			t.Errorf("%d of %d messages were taken", n, len(run))
		}
		if m, err := sub.First().TryRecv(); err == nil {
			t.Errorf("%q was received from a pipe that is over", m.Body())
		}
	})
}

// A publisher that filters nothing sends everything: what no subscription wants is not delivered, and counted.
func TestSubFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		o.RecvQueue = 100
		sub, s := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(hello(sp.Sub), o, engine.Block, false) })
		must(t, sub.First().Subscribe("a"))
		peer := scripted(t, s, sp.AppendHeader(nil, sp.Pub), sp.HeaderLen)
		for _, body := range []string{"a1", "b", "a2", "", "a"} {
			if _, err := peer.Write(sp.FramingLength.AppendFrame(nil, nil, []byte(body))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, want := range []string{"a1", "a2", "a"} {
			if m, err := sub.First().TryRecv(); err != nil || string(m.Body()) != want {
				t.Fatalf("%v came, %v, want %q", m, err, want)
			}
		}
		if m, err := sub.First().TryRecv(); err == nil || s.Stats().Recv.Filtered != 2 {
			t.Errorf("%v came, %d messages were filtered, want 2", m, s.Stats().Recv.Filtered)
		}
	})
}

// Publishers that filter are told of the topics that there are when they come, and of those that nobody wants any more.
func TestSubSendsTopicsToPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(zmtp.Dialect)
		sub, subscribes := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(zmtp.Sub.Hello(), o, engine.Block, false) })
		x, publishes := open(t, o, func(s *engine.Socket, _ engine.Options) *XPub {
			return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, 0)
		})
		hears := func(want Change) {
			t.Helper()
			synctest.Wait()
			if c, ok := x.changes.take(); !ok || c != want {
				t.Fatalf("the publisher heard of %v, %v, want %v", c, ok, want)
			}
		}
		must(t, sub.First().Subscribe("early"))
		visit(t, publishes, subscribes)
		hears(Change{"early", true})
		other := sub.Open("early", "other", "other")
		hears(Change{"other", true})
		must(t, sub.First().Unsubscribe("early"))
		synctest.Wait()
		if c, ok := x.changes.take(); ok {
			t.Fatalf("the publisher heard of %v, and one subscription still wants it", c)
		}
		must(t, other.Unsubscribe("early"))
		hears(Change{"early", false})
		other.Close()
		hears(Change{"other", false})
	})
}
