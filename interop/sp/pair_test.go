// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestPair1Echo exchanges messages in lock-step with libnng's PAIR 1, which closes pipes that get its hop count wrong.
func TestPair1Echo(t *testing.T) {
	for _, mode := range []string{"mono", "poly"} {
		t.Run(mode, func(t *testing.T) {
			kit.EachWay(t, kit.LibNNG, "pair1 "+mode+" – pair", func(t *testing.T, a kit.Address) {
				const n = 200
				pair := spry.NewPair(&spry.PairOptions{Options: kit.Options})
				p := kit.MeetC(t, a, pair, "nng_pair1_echo", mode, fmt.Sprint(n))
				echoes(t, pair, n)
				p.WaitLine("done")
				p.Wait()
			})
		})
	}
}

// TestNanomsgPair does the same with libnanomsg's PAIR 0, in both roles.
func TestNanomsgPair(t *testing.T) {
	kit.EachWay(t, kit.LibNanomsg, "pair – pair 0", func(t *testing.T, a kit.Address) {
		pair := spry.NewPair(&spry.PairOptions{Options: kit.Options, V0: !a.SpryListens})
		kit.MeetC(t, a, pair, "nn_echo", "pair")
		echoes(t, pair, 200)
	})
}

// echoes sends n messages and receives each again.
func echoes(t *testing.T, pair *spry.Pair, n int) {
	t.Helper()
	ctx := kit.Watched(t)
	for i := range n {
		want := kit.Numbered(i*13, i)
		testkit.Check(t, pair.Send(ctx, want))
		kit.Same(t, "Spry received", kit.Must[[]byte](t)(pair.Recv(ctx)), want)
	}
}

// TestPolyServerOfSpry has several of libnng's PAIR 1 sockets at one PairPoly: each must get its own messages only.
func TestPolyServerOfSpry(t *testing.T) {
	const peers, n = 3, 50
	a := kit.NewAddress(t, "tcp", true)
	kit.Results.Track(t, kit.Row(kit.LibNNG, "3 pair1 – pair poly", a.Transport, "it dials"), kit.Library)
	t.Parallel()
	poly := spry.NewPairPoly(&spry.PairOptions{Options: kit.Options})
	kit.Attach(t, poly, a)
	var processes []*peer.Process
	for range peers {
		processes = append(processes, kit.StartC(t, "nng_pair1_echo", a.How(), a.URL, "mono", fmt.Sprint(n)))
	}
	kit.WaitPipes(t, poly, peers)
	ctx := kit.Watched(t)
	for i := range n {
		for p := range poly.Pipes() {
			m := spry.NewMessage(0)
			fmt.Fprintf(m, "message %d for pipe %d", i, p.ID())
			testkit.Check(t, poly.SendMsgTo(ctx, p, m))
		}
		for range peers {
			m := kit.Must[*spry.Message](t)(poly.RecvMsg(ctx))
			if got, want := string(m.Bytes()), fmt.Sprintf("message %d for pipe %d", i, m.Pipe().ID()); got != want {
				t.Fatalf("pipe %d sent back %q instead of %q", m.Pipe().ID(), got, want)
			}
		}
	}
	for _, p := range processes {
		p.WaitLine("done")
		p.Wait()
	}
}

// TestPolyServerOfLibnng is the other way round: three of Spry's pairs at one polyamorous socket.
func TestPolyServerOfLibnng(t *testing.T) {
	const peers, n = 3, 50
	a := kit.NewAddress(t, "tcp", false)
	kit.Results.Track(t, kit.Row(kit.LibNNG, "pair1 poly – 3 pair", a.Transport, "it listens"), kit.Library)
	t.Parallel()
	p := kit.StartC(t, "nng_pair1_echo", a.How(), a.URL, "poly", fmt.Sprint(peers*n))
	ctx := kit.Watched(t)
	var pairs []*spry.Pair
	for range peers {
		pair := spry.NewPair(&spry.PairOptions{Options: kit.Options})
		kit.Attach(t, pair, a)
		pairs = append(pairs, pair)
	}
	for i := range n {
		for k, pair := range pairs {
			testkit.Check(t, pair.Send(ctx, fmt.Appendf(nil, "message %d of pair %d", i, k)))
		}
		for k, pair := range pairs {
			want := fmt.Sprintf("message %d of pair %d", i, k)
			if got := string(kit.Must[[]byte](t)(pair.Recv(ctx))); got != want {
				t.Fatalf("pair %d got back %q instead of %q", k, got, want)
			}
		}
	}
	p.WaitLine("done")
	p.Wait()
}
