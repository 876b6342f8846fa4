// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

func blockingPub(t *testing.T, o engine.Options) (*Pub, *engine.Socket) {
	t.Helper()
	return open(t, o, func(s *engine.Socket, _ engine.Options) *Pub { return NewPub(s, hello(sp.Pub), engine.Block, false) })
}

// wantsAll returns a subscriber to everything that stops its publisher when it is full.
func wantsAll(t *testing.T, o engine.Options) (*Sub, *engine.Socket) {
	t.Helper()
	sub, s := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(hello(sp.Sub), o, engine.Block, false) })
	if err := sub.First().Subscribe(""); err != nil {
		t.Fatal(err)
	}
	return sub, s
}

// trySend sends without waiting, when all that was sent before is as far as it gets.
func trySend(t *testing.T, pub *Pub) error {
	synctest.Wait()
	m := msg.Of([]byte("x"))
	return pub.Send(context.Background(), false, nil, &m)
}

// With Block, who waits for a full subscriber goes on when that has gone.
func TestBlockedPublisherGoesOnWithoutTheStalledSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pub, publishes := blockingPub(t, house(sp.Dialect))
		stalled := scripted(t, publishes, sp.AppendHeader(nil, sp.Sub), sp.HeaderLen)
		send := func(ctx context.Context) error { return pub.Send(ctx, true, []byte("x"), nil) }
		fill(t, func() error { return trySend(t, pub) })
		waiting := inBackground(send)
		synctest.Wait()
		if finished(t, waiting) {
			t.Fatal("a message was taken beside a full subscriber")
		}
		if err := stalled.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !finished(t, waiting) {
			t.Fatal("the subscriber has gone, and the publisher still waits for it")
		}
	})
}

// With Block, a subscriber that comes later is asked for room as the others are: what was sent to nobody says nothing.
func TestBlockedPublisherAsksNewSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		pub, publishes := blockingPub(t, o)
		if err := trySend(t, pub); err != nil { // to nobody
			t.Fatal(err)
		}
		sub, subscribes := wantsAll(t, o)
		visit(t, publishes, subscribes)
		sent := fill(t, func() error { return trySend(t, pub) })
		for range sent {
			synctest.Wait()
			if _, err := sub.First().TryRecv(); err != nil {
				t.Fatalf("a message of %d that were taken is lost: %v", sent, err)
			}
		}
		if st := publishes.Stats().Send; st.Offered != uint64(sent) || len(st.Dropped) > 0 {
			t.Errorf("%d messages were taken, and the figures are %+v", sent, st)
		}
	})
}

// subscribed connects a new subscriber that reads what it receives, as far as it has room, and returns its pipe.
func subscribed(t *testing.T, o engine.Options, publishes *engine.Socket, topic string) *engine.Pipe {
	t.Helper()
	sub, subscribes := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(zmtp.Sub.Hello(), o, engine.Block, false) })
	must(t, sub.First().Subscribe(topic))
	visit(t, publishes, subscribes)
	synctest.Wait()
	return slices.MaxFunc(publishes.Pipes(), func(a, b *engine.Pipe) int { return cmp.Compare(a.ID(), b.ID()) })
}

// With Block, room that the subscribers to one topic have says nothing about those to another.
func TestBlockedPublisherAsksThoseWhoWantTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(zmtp.Dialect)
		pub, publishes := open(t, o, func(s *engine.Socket, _ engine.Options) *Pub { return NewPub(s, zmtp.Pub.Hello(), engine.Block, false) })
		full := subscribed(t, o, publishes, "full")
		subscribed(t, o, publishes, "free")
		try := func(topic string) error {
			synctest.Wait()
			m := msg.Of([]byte(topic))
			return pub.Send(context.Background(), false, nil, &m)
		}
		sent := fill(t, func() error { return try("full") })
		must(t, try("free"))
		if n := fill(t, func() error { return try("full") }); n != 0 {
			t.Errorf("%d more messages were taken for a subscriber that is full", n)
		}
		if out := full.Stats().Send; out.Offered != uint64(sent) || len(out.Dropped) > 0 {
			t.Errorf("%d messages were taken, and the figures are %+v", sent, out)
		}
	})
}

// With Block, a publisher that waits for a subscriber sees what others subscribe to meanwhile, and goes on when the full one
// does not want the message any more.
func TestBlockedPublisherSeesChangesOfTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(zmtp.Dialect)
		pub, publishes := open(t, o, func(s *engine.Socket, _ engine.Options) *Pub { return NewPub(s, zmtp.Pub.Hello(), engine.Block, false) })
		full, free := subscribed(t, o, publishes, "news"), subscribed(t, o, publishes, "other")
		fill(t, func() error {
			synctest.Wait()
			m := msg.Of([]byte("news"))
			return pub.Send(context.Background(), false, nil, &m)
		})
		waiting := inBackground(func(ctx context.Context) error { return pub.Send(ctx, true, []byte("news"), nil) })
		synctest.Wait()
		if finished(t, waiting) {
			t.Fatal("a message was taken beside a full subscriber")
		}
		f, news := pub.fanout, []byte("news")
		f.subscribed(filterOf(free), wire.Control{Kind: wire.ControlSubscribe, Data: news}, nil)
		before := free.Stats().Send.Offered
		f.subscribed(filterOf(full), wire.Control{Kind: wire.ControlCancel, Data: news}, nil)
		synctest.Wait()
		if !finished(t, waiting) {
			t.Fatal("the full subscriber does not want the message, and the publisher still waits for it")
		}
		if n := free.Stats().Send.Offered - before; n != 1 {
			t.Errorf("a subscriber that came meanwhile is sent %d messages, want 1", n)
		}
	})
}

// With Disconnect, a subscriber that does not keep up loses its pipe, and no other does.
func TestPublisherDisconnectsTheStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		pub, publishes := open(t, o, func(s *engine.Socket, _ engine.Options) *Pub {
			return NewPub(s, hello(sp.Pub), engine.Disconnect, false)
		})
		scripted(t, publishes, sp.AppendHeader(nil, sp.Sub), sp.HeaderLen)
		stalled := publishes.Pipes()[0]
		reader := scripted(t, publishes, sp.AppendHeader(nil, sp.Sub), sp.HeaderLen)
		go func() { _, _ = io.Copy(io.Discard, reader) }()
		for range 20 {
			must(t, trySend(t, pub))
		}
		synctest.Wait()
		if !stalled.Over() || len(publishes.Pipes()) != 1 {
			t.Errorf("%d pipes are left of a stalled subscriber's and another's", len(publishes.Pipes()))
		}
		must(t, reader.Close())
	})
}
