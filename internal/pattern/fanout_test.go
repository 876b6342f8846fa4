// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
)

func blockingPub(t *testing.T, o engine.Options) (*Pub, *engine.Socket) {
	t.Helper()
	return open(t, o, func(s *engine.Socket, _ engine.Options) *Pub { return NewPub(s, hello(sp.Pub), engine.Block) })
}

// wantsAll returns a subscriber to everything that stops its publisher when it is full.
func wantsAll(t *testing.T, o engine.Options) (*Sub, *engine.Socket) {
	t.Helper()
	sub, s := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(hello(sp.Sub), o, engine.Block) })
	if err := sub.First().Subscribe(""); err != nil {
		t.Fatal(err)
	}
	return sub, s
}

// trySend sends without waiting, when all that was sent before is as far as it gets.
func trySend(t *testing.T, pub *Pub) error {
	synctest.Wait()
	m := msg.Of([]byte("x"))
	return pub.TrySend(&m)
}

// With Block, who waits for a full subscriber goes on when that has gone.
func TestBlockedPublisherGoesOnWithoutTheStalledSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pub, publishes := blockingPub(t, house(sp.Dialect))
		stalled := scripted(t, publishes, sp.AppendHeader(nil, sp.Sub), sp.HeaderLen)
		send := func(ctx context.Context) error { return pub.Send(ctx, []byte("x"), nil) }
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
		if st := publishes.Stats().Out; st.Offered != uint64(sent) || len(st.Dropped) > 0 {
			t.Errorf("%d messages were taken, and the figures are %+v", sent, st)
		}
	})
}
