// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A channelled is a socket whose messages come by channel too.
type channelled interface {
	receiver
	Chan(ctx context.Context) <-chan *spry.Message
}

// What a channel of a socket has received when its context ends goes back, and is received as if there had been no channel.
func TestChanGivesBack(t *testing.T) {
	for name, open := range map[string]func() (from sender, to channelled, own int){
		"pull": func() (sender, channelled, int) {
			return zmq.NewPush(nil), zmq.NewPull(nil), 0
		},
		"router": func() (sender, channelled, int) {
			return zmq.NewDealer(nil), zmq.NewRouter(nil), 1
		},
		"server": func() (sender, channelled, int) {
			return zmq.NewClient(nil), zmq.NewServer(nil), 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := testkit.Watchdog(t)
			from, to, own := open()
			join(t, "tcp", from, to)
			for _, body := range []string{"one", "two", "three"} {
				testkit.Check(t, from.SendMsg(ctx, message(body)))
			}
			within, cancel := context.WithCancel(ctx)
			c := to.Chan(within)
			is(t, framesOf(<-c)[own:], "one")
			testkit.Eventually(t, "the next is received", func() bool { return to.Stats().Recv.Delivered == 2 })
			cancel()
			testkit.Eventually(t, "it goes back", func() bool { return to.Stats().Recv.Delivered == 1 })
			for _, body := range []string{"two", "three"} {
				m, err := to.RecvMsg(ctx)
				testkit.Check(t, err)
				is(t, framesOf(m)[own:], body)
			}
			testkit.Shut(t, from, to)
		})
	}
}

// So does a subscription that an XPub's channel holds.
func TestChanGivesSubscriptionsBack(t *testing.T) {
	ctx := testkit.Watchdog(t)
	xpub, sub := zmq.NewXPub(nil), zmq.NewSub(nil)
	join(t, "tcp", sub, xpub)
	testkit.Check(t, sub.Subscribe("a", "b"))
	testkit.Check(t, xpub.WaitSubscribers(ctx, "b", 1))
	within, cancel := context.WithCancel(ctx)
	c := xpub.Chan(within)
	first := framesOf(<-c)
	is(t, first, "\x01a")
	cancel()
	for range c {
		t.Error("a message after the end")
	}
	expect(t, xpub, "\x01b")
	testkit.Shut(t, sub, xpub)
}
