// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A Push with so many peers that they share a writer sends every message, in turn and in order, and a lone one too.
func TestManyPipesShareWrites(t *testing.T) {
	const peers, rounds = 300, 20
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(nil)
	e := testkit.ListenOn(t, push, "tcp")
	pulls := make([]*spry.Pull, peers)
	for i := range pulls {
		pulls[i] = spry.NewPull(nil)
		testkit.DialTo(t, pulls[i], e)
	}
	testkit.Check(t, push.WaitPipes(ctx, peers))
	for i := range peers * rounds {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "%05d", i)))
	}
	for _, p := range pulls {
		last := ""
		for range rounds {
			body, err := p.Recv(ctx)
			testkit.Check(t, err)
			if string(body) <= last {
				t.Fatalf("%s came after %s", body, last)
			}
			last = string(body)
		}
	}
	for i := range peers {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "lone %d", i)))
		testkit.Eventually(t, "the message is written", func() bool { return push.Stats().Send.Queued == 0 })
	}
	for _, p := range pulls {
		_, err := p.Recv(ctx)
		testkit.Check(t, err)
		testkit.Check(t, p.Close())
	}
	testkit.Shut(t, push)
}

// A countedWrites counts the writes of a connection.
type countedWrites struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedWrites) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Many Pushes send to one Pull, each a burst in its turn. A burst is one write, with 200 Pushes as with 4.
func TestBurstsOfManyPushes(t *testing.T) {
	for _, pushes := range []int{4, 200} {
		t.Run(fmt.Sprint(pushes), func(t *testing.T) {
			const bursts, burst = 5, 64
			ctx := testkit.Watchdog(t)
			pull := spry.NewPull(nil)
			testkit.CloseAll(t, pull)
			e := testkit.ListenOn(t, pull, "tcp")
			var writes atomic.Int64
			dial := func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				return countedWrites{c, &writes}, err
			}
			all := make([]*spry.Push, pushes)
			for i := range all {
				all[i] = spry.NewPush(nil)
				testkit.CloseAll(t, all[i])
				_, err := all[i].DialWith(ctx, &spry.DialConfig{URL: e.URL(), DialContext: dial})
				testkit.Check(t, err)
			}
			testkit.Check(t, pull.WaitPipes(ctx, pushes))
			writes.Store(0) // those of the handshakes
			bodies := slices.Repeat([][]byte{[]byte("body")}, burst)
			for range bursts {
				for _, p := range all {
					n, err := p.SendBodies(ctx, bodies)
					testkit.Check(t, err)
					if n != burst {
						t.Fatalf("%d of %d messages were taken", n, burst)
					}
				}
				for range pushes * burst {
					_, err := pull.Recv(ctx)
					testkit.Check(t, err)
				}
			}
			if got, want := writes.Load(), int64(bursts*pushes); got != want {
				t.Errorf("%d bursts were %d writes", want, got)
			}
		})
	}
}
