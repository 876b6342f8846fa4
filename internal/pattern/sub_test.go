// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/wire/sp"
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
				if err := pub.Send(ctx, []byte{i}, nil); err != nil {
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
