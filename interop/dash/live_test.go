// SPDX-License-Identifier: MIT

package dash_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A liveSystem is the processes of the program system.
type liveSystem struct {
	process *peer.Process
	begun   struct {
		Dash      string
		Processes map[string]struct{ Instance string }
	}
}

// counts are what a process of the system has counted itself.
type counts struct{ Sent, Received uint64 }

// order gives a command to the system, and decodes its answer.
func (s *liveSystem) order(t *testing.T, answer any, command string) {
	t.Helper()
	s.process.WriteLine(command)
	if err := json.Unmarshal([]byte(s.process.NextLine()), answer); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

func startSystem(t *testing.T, program string) *liveSystem {
	t.Helper()
	s := &liveSystem{process: peer.Start(t, program, "-dash", "127.0.0.1:0")}
	if err := json.Unmarshal([]byte(s.process.NextLine()), &s.begun); err != nil {
		t.Fatal(err)
	}
	return s
}

// connections of the system, by the two processes and the transport.
var connections = []string{
	"bus1 bus2 ipc", "chief crew ws", "client rpc tls+tcp", "dealer router tcp", "exchange quotes tcp", "exchange ticker ipc",
	"feed reader tcp", "feed slow tcp", "feed webreader ws", "jobs worker1 ipc", "jobs worker2 ipc", "pairs pairs inproc",
}

// TestDashboard has browsers look at a live system of all patterns, both dialects and five transports: the right processes and
// connections, the totals that the programs count themselves once they are at rest, why messages were dropped, and a process that is
// killed.
func TestDashboard(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	program := filepath.Join(t.TempDir(), "system")
	if out, err := exec.Command("go", "build", "-o", program, "./system").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name := range browsers {
		t.Run(name, func(t *testing.T) {
			s := startSystem(t, program)
			b := open(t, name, s.begun.Dash)
			seesSystem(b, s)
			hasTotals(t, b, s)
			seesKilled(t, b, s)
		})
	}
}

// seesSystem waits for the graph to be that of the system.
func seesSystem(b *tab, s *liveSystem) {
	b.t.Helper()
	eventually(b, func(g graph) bool {
		var seen, names []string
		for _, l := range g.Lines {
			if l.State != "up" && l.State != "dropping" && l.State != "slow" {
				return false
			}
			ends := []string{firstWord(l.From), firstWord(l.To)}
			slices.Sort(ends)
			seen = append(seen, strings.Join(append(ends, l.Transport), " "))
		}
		for _, d := range g.Discs {
			names = append(names, d.Label)
		}
		slices.Sort(seen)
		slices.Sort(names)
		processes := slices.Sorted(maps.Keys(s.begun.Processes))
		// The program that serves the page is a process too.
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(processes, n) })
		return slices.Equal(slices.Compact(seen), connections) && slices.Equal(names, processes)
	}, "graph")
	eventually(b, func(drops map[string]uint64) bool { return drops["overflow sending"]+drops["overflow receiving"] > 0 }, "drops")
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// hasTotals compares the totals of the page with those of the programs at rest.
func hasTotals(t *testing.T, b *tab, s *liveSystem) {
	t.Helper()
	var at struct{ Rest map[string]counts }
	s.order(t, &at, "rest")
	var wrong []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(wrong, "\n"))
		}
	}()
	eventually(b, func(totals map[string]struct{ Sent, Delivered uint64 }) bool {
		wrong = nil
		for name, own := range at.Rest {
			// The feed counts a message once, and its socket counts it for each reader. The exchange does not see what its proxy passes on.
			page, skipSent := totals[name], name == "feed" || name == "exchange"
			if page.Sent != own.Sent && !skipSent || page.Delivered != own.Received && name != "exchange" {
				wrong = append(wrong, fmt.Sprintf("%s counts %+v, and the page shows %+v", name, own, page))
			}
		}
		return len(wrong) == 0 && len(at.Rest) == len(s.begun.Processes)
	}, "totals")
	var going map[string]bool
	s.order(t, &going, "go")
}

// seesKilled kills a process, and waits for the page to show it as gone.
func seesKilled(t *testing.T, b *tab, s *liveSystem) {
	t.Helper()
	var done bool
	b.ask(&done, "watch", s.begun.Processes["worker2"].Instance)
	var killed map[string]string
	s.order(t, &killed, "kill worker2")
	since := time.Now()
	b.ask(&done, "gone")
	t.Logf("a killed process is shown as gone after %s", time.Since(since).Round(time.Millisecond))
}
