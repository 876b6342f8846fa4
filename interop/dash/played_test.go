// SPDX-License-Identifier: MIT

package dash_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestPlayedSystem has browsers look at the system of fakefeed, whose processes and connections are known.
func TestPlayedSystem(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	program := filepath.Join(t.TempDir(), "fakefeed")
	if out, err := exec.Command("go", "build", "-o", program, "./fakefeed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name := range browsers {
		t.Run(name, func(t *testing.T) {
			b := open(t, name, peer.Start(t, program, "-page", "../../dash/page/dist").NextLine())
			seesMarket(b)
			isAccessible(t, b)
		})
		t.Run(name+"/many", func(t *testing.T) {
			b := open(t, name, peer.Start(t, program, "-page", "../../dash/page/dist", "-nodes", "500", "-pipes", "5000").NextLine())
			var figures map[string]string
			eventually(b, func(got map[string]string) bool {
				figures = got
				return got["processes"] == "500" && got["sockets"] == "3.00k" && got["pipes"] == "10.0k" // both ends
			}, "figures")
			t.Logf("%v", figures)
		})
	}
}

type graph struct {
	Lines []struct{ From, To, Transport, State string }
	Discs []struct{ ID, Label, State string }
}

// The graph has the twelve processes of the market, an address without answer, and their connections in the states that they have.
func seesMarket(b *tab) {
	b.t.Helper()
	eventually(b, func(g graph) bool {
		states := map[string]int{}
		var labels []string
		for _, l := range g.Lines {
			states[l.State]++
		}
		for _, d := range g.Discs {
			labels = append(labels, d.Label)
		}
		slices.Sort(labels)
		labels = slices.Compact(labels)
		want := []string{"audit", "edge-1:5730", "ledger", "monitor", "orders", "quotes", "replica", "risk", "webgate", "worker"}
		return len(g.Discs) == 13 && slices.Equal(labels, want) && states["up"] == 22 && states["dropping"] == 1 && states["waiting"] == 1
	}, "graph")
	eventually(b, func(drops map[string]uint64) bool { return len(drops) == 1 && drops["overflow sending"] > 0 }, "drops")
}
