// SPDX-License-Identifier: MIT

package interop_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestBusOfThree joins Spry, libnng and libnanomsg in a full mesh. Each must hear the two others, once.
func TestBusOfThree(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			a, b := newAddress(t, transport, true), newAddress(t, transport, false)
			results.track(t, row{libnng + ", " + libnanomsg, "bus of three", transport, "both"}, library)
			t.Parallel()
			bus := spry.NewBus(&spry.BusOptions{Options: options})
			attach(t, bus, a)
			nodes := []*peer.Process{
				startC(t, "nng_bus_node", "nng", "2", "listen", b.url, "dial", a.url),
				startC(t, "nn_bus_node", "nanomsg", "2", "dial", b.url, "dial", a.url),
			}
			waitPipes(t, bus, 2)
			for _, node := range nodes {
				node.WaitLine("connected")
			}
			ctx := watched(t)
			check(t, bus.Send(ctx, []byte("spry")))
			for _, node := range nodes {
				node.Continue()
			}
			var heard []string
			for range nodes {
				heard = append(heard, string(must[[]byte](t)(bus.Recv(ctx))))
			}
			slices.Sort(heard)
			if !slices.Equal(heard, []string{"nanomsg", "nng"}) {
				t.Errorf("spry heard %q", heard)
			}
			for _, node := range nodes { // none may go away before the others have heard it
				node.WaitLine("done")
			}
			for i, want := range []string{"heard nanomsg heard spry", "heard nng heard spry"} {
				got := strings.Fields(strings.NewReplacer("ready\n", "", "connected\n", "", "done\n", "", " ", "_").Replace(nodes[i].Wait()))
				slices.Sort(got)
				if line := strings.ReplaceAll(strings.Join(got, " "), "_", " "); line != want {
					t.Errorf("%s printed %q, want %q", nodes[i], line, want)
				}
			}
		})
	}
}
