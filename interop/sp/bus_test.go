// SPDX-License-Identifier: MIT

package sp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestBusOfThree joins Spry, libnng and libnanomsg in a full mesh. Each must hear the two others, once.
func TestBusOfThree(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			a, b := kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, false)
			kit.Results.Track(t, kit.Row(kit.LibNNG+", "+kit.LibNanomsg, "bus of three", transport, "both"), kit.Library)
			t.Parallel()
			bus := spry.NewBus(&spry.BusOptions{Options: kit.Options})
			kit.Attach(t, bus, a)
			nodes := []*peer.Process{
				kit.StartC(t, "nng_bus_node", "nng", "2", "listen", b.URL, "dial", a.URL),
				kit.StartC(t, "nn_bus_node", "nanomsg", "2", "dial", b.URL, "dial", a.URL),
			}
			kit.WaitPipes(t, bus, 2)
			for _, node := range nodes {
				node.WaitLine("connected")
			}
			ctx := kit.Watched(t)
			testkit.Check(t, bus.Send(ctx, []byte("spry")))
			for _, node := range nodes {
				node.Continue()
			}
			var heard []string
			for range nodes {
				heard = append(heard, string(kit.Must[[]byte](t)(bus.Recv(ctx))))
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
