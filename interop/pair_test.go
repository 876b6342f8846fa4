// SPDX-License-Identifier: MIT

package interop_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestPair1Echo exchanges messages in lock-step with libnng's PAIR 1, which closes pipes that get its hop count wrong.
func TestPair1Echo(t *testing.T) {
	for _, mode := range []string{"mono", "poly"} {
		t.Run(mode, func(t *testing.T) {
			eachWay(t, libnng, "pair1 "+mode+" – pair", func(t *testing.T, a address) {
				const n = 200
				pair := spry.NewPair(&spry.PairOptions{Options: options})
				p := meetC(t, a, pair, "nng_pair1_echo", mode, fmt.Sprint(n))
				echoes(t, pair, n)
				p.WaitLine("done")
				p.Wait()
			})
		})
	}
}

// TestNanomsgPair does the same with libnanomsg's PAIR 0, in both roles.
func TestNanomsgPair(t *testing.T) {
	eachWay(t, libnanomsg, "pair – pair 0", func(t *testing.T, a address) {
		o := &spry.PairOptions{Options: options}
		if !a.spryListens {
			o.Version = spry.PairV0
		}
		pair := spry.NewPair(o)
		meetC(t, a, pair, "nn_echo", "pair")
		echoes(t, pair, 200)
	})
}

// echoes sends n messages and receives each again.
func echoes(t *testing.T, pair *spry.Pair, n int) {
	t.Helper()
	ctx := watched(t)
	for i := range n {
		want := numbered(i*13, i)
		check(t, pair.Send(ctx, want))
		same(t, "Spry received", must[[]byte](t)(pair.Recv(ctx)), want)
	}
}

// TestPolyServerOfSpry has several of libnng's PAIR 1 sockets at one PairPoly: each must get its own messages only.
func TestPolyServerOfSpry(t *testing.T) {
	const peers, n = 3, 50
	a := newAddress(t, "tcp", true)
	results.track(t, row{libnng, "3 pair1 – pair poly", a.transport, "it dials"}, library)
	t.Parallel()
	poly := spry.NewPairPoly(&spry.PairOptions{Options: options})
	attach(t, poly, a)
	var processes []*peer.Process
	for range peers {
		processes = append(processes, startC(t, "nng_pair1_echo", a.how(), a.url, "mono", fmt.Sprint(n)))
	}
	waitPipes(t, poly, peers)
	ctx := watched(t)
	for i := range n {
		for p := range poly.Pipes() {
			m := spry.NewMessage(0)
			fmt.Fprintf(m, "message %d for pipe %d", i, p.ID())
			check(t, poly.SendTo(ctx, p, m))
		}
		for range peers {
			m := must[*spry.Message](t)(poly.RecvMsg(ctx))
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
	a := newAddress(t, "tcp", false)
	results.track(t, row{libnng, "pair1 poly – 3 pair", a.transport, "it listens"}, library)
	t.Parallel()
	p := startC(t, "nng_pair1_echo", a.how(), a.url, "poly", fmt.Sprint(peers*n))
	ctx := watched(t)
	var pairs []*spry.Pair
	for range peers {
		pair := spry.NewPair(&spry.PairOptions{Options: options})
		attach(t, pair, a)
		pairs = append(pairs, pair)
	}
	for i := range n {
		for k, pair := range pairs {
			check(t, pair.Send(ctx, fmt.Appendf(nil, "message %d of pair %d", i, k)))
		}
		for k, pair := range pairs {
			want := fmt.Sprintf("message %d of pair %d", i, k)
			if got := string(must[[]byte](t)(pair.Recv(ctx))); got != want {
				t.Fatalf("pair %d got back %q instead of %q", k, got, want)
			}
		}
	}
	p.WaitLine("done")
	p.Wait()
}
