// SPDX-License-Identifier: MIT

package sprytest_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/sprytest"
)

// faultVariable names the fault to the child process of [TestRunsFail].
const faultVariable = "SPRY_SPRYTEST_FAULT"

// planted are tests that must fail, with what the failure must say.
var planted = map[string]struct {
	test func(w *sprytest.World)
	says []string
}{
	"seed": {
		func(w *sprytest.World) {
			w.Host("a").To(w.Host("b")).Block(true)
			if w.Rand("dice").IntN(10) == 0 {
				w.Error("the dice fell badly")
			}
		},
		[]string{"the dice fell badly", "network: 0s a->b is blocked: true"},
	},
	"open socket": {
		func(w *sprytest.World) { spry.NewPull(&spry.PullOptions{Options: w.Host("a").Options()}) },
		[]string{"the socket pull-1 is open when the run ends"},
	},
	"broken pattern": {
		breakPromise,
		[]string{"broken dropped", "messages with their pipe, and promises to send them by another", "all links are cut"},
	},
	"lost goroutine": {
		func(*sprytest.World) { go waitInVain(make(chan int)) },
		[]string{"deadlock", "These goroutines wait for ever", "waitInVain"},
	},
	"deadlock": {
		func(*sprytest.World) { waitInVain(make(chan int)) },
		[]string{"deadlock", "These goroutines wait for ever", "waitInVain"},
	},
	"panic": {
		func(*sprytest.World) { panic("a fault") },
		[]string{"the run with seed 1 panics", "a fault"},
	},
	"panic elsewhere": {
		func(w *sprytest.World) {
			go func() { panic("a fault") }()
			w.Wait()
		},
		[]string{"seed 1\n", "a fault"},
	},
	"wrong order": {
		func(w *sprytest.World) {
			j := sprytest.NewJournal[int](w, "orders", sprytest.Ordered)
			j.Sent("client", 1)
			j.Sent("client", 2)
			j.Received("server", 2)
			j.Received("server", 1)
		},
		[]string{"journal orders: server receives 1, number 1 of client, after number 2", "run_test.go:"},
	},
	"twice": {
		func(w *sprytest.World) {
			j := sprytest.NewJournal[string](w, "orders", sprytest.Once)
			j.Sent("client", "x")
			j.Received("server", "x")
			j.Received("backup", "x")
		},
		[]string{"journal orders: backup receives x again, which server has received"},
	},
	"missing": {
		func(w *sprytest.World) {
			j := sprytest.NewJournal[int](w, "orders", sprytest.Complete)
			for i := range 20 {
				j.Sent("client", i)
			}
			j.Received("server", 3)
		},
		[]string{"journal orders: 19 of 20 messages were not received: [0 1 2 4 5 6 7 8 9 10]"},
	},
	"from nowhere": {
		func(w *sprytest.World) {
			j := sprytest.NewJournal[int](w, "orders", 0)
			j.Received("server", 3)
		},
		[]string{"journal orders: server receives 3, which nobody has sent"},
	},
	"hasty shop": {
		func(w *sprytest.World) { testShop(w, (*customer).orderHastily) },
		[]string{"journal orders: ledger receives order ", " again, which ledger has received", "network: "},
	},
	"sent twice": {
		func(w *sprytest.World) {
			j := sprytest.NewJournal[int](w, "orders", 0)
			j.Sent("client", 3)
			j.Sent("other", 3)
		},
		[]string{"journal orders: 3 is sent by other, and was by client"},
	},
}

func waitInVain(c chan int) { <-c }

// child runs a planted test in a process of its own, because it fails.
func child(t *testing.T, fault string, arguments ...string) (output string, failed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestPlanted$/^here$", "-test.v"}, arguments...)...)
	cmd.Env = append(os.Environ(), faultVariable+"="+fault)
	out, err := cmd.CombinedOutput()
	return string(out), err != nil
}

// TestRunsFail checks what failed runs say.
func TestRunsFail(t *testing.T) {
	for _, fault := range slices.Sorted(maps.Keys(planted)) {
		t.Run(fault, func(t *testing.T) {
			out, failed := child(t, fault)
			if !failed {
				t.Errorf("the run does not fail:\n%s", out)
			}
			says := planted[fault].says
			if !strings.HasPrefix(fault, "panic") {
				says = append(says, "run ", " of 100 failed. Its seed is ", "go test -run '^TestPlanted$/^here$' -sprytest.seed=", "--- FAIL: TestPlanted")
			}
			for _, want := range says {
				if !strings.Contains(out, want) {
					t.Errorf("the run does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

// TestPlanted is what the child processes run.
func TestPlanted(t *testing.T) {
	fault := os.Getenv(faultVariable)
	if fault == "" {
		t.Skip("runs in the child processes of TestRunsFail")
	}
	t.Run("here", func(t *testing.T) { sprytest.Run(t, 100, planted[fault].test) })
}

// A failure names its seed, which fails again, while others do not.
func TestSeedsRepeatFailures(t *testing.T) {
	out, _ := child(t, "seed")
	found := regexp.MustCompile(`run (\d+) of 100 failed. Its seed is (\d+)\.(?s:.*)-sprytest.seed=(\d+)`).FindStringSubmatch(out)
	if found == nil || found[1] != found[2] || found[2] != found[3] || found[1] == "1" {
		t.Fatalf("%q in:\n%s", found, out)
	}
	for range 3 {
		if out, failed := child(t, "seed", "-sprytest.seed="+found[2]); !failed || !strings.Contains(out, "run 1 of 1 failed. Its seed is "+found[2]+".") {
			t.Errorf("seed %s does not fail again:\n%s", found[2], out)
		}
	}
	if out, failed := child(t, "seed", "-sprytest.seed=1"); failed {
		t.Errorf("seed 1 did not fail, and does now:\n%s", out)
	}
	if out, failed := child(t, "seed", "-sprytest.seed="+found[2], "-sprytest.runs=2"); !failed || !strings.Contains(out, "run 1 of 2 failed") {
		t.Errorf("two runs from the seed %s:\n%s", found[2], out)
	}
	if out, failed := child(t, "seed", "-sprytest.runs=1"); failed {
		t.Errorf("one run:\n%s", out)
	}
}

// Each run has a world of its own: its seed, its network, and its time.
func TestRunsAreSeparate(t *testing.T) {
	var seeds []uint64
	sprytest.Run(t, 3, func(w *sprytest.World) {
		seeds = append(seeds, w.Seed())
		if y := time.Now().Year(); y != 2000 {
			w.Errorf("it is %d", y)
		}
		if len(w.Hosts()) != 0 || len(w.Events()) != 0 {
			w.Errorf("the network has the hosts %v and the events %v", w.Hosts(), w.Events())
		}
		w.Host("a")
		time.Sleep(24 * time.Hour)
	})
	if !slices.Equal(seeds, []uint64{1, 2, 3}) {
		t.Errorf("the seeds are %v", seeds)
	}
}

// A journal is content with what keeps its promises, and with what was not promised.
func TestJournals(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		strict := sprytest.NewJournal[int](w, "strict", sprytest.Ordered|sprytest.Once|sprytest.Complete)
		loose := sprytest.NewJournal[int](w, "loose", 0)
		for i := range 6 {
			strict.Sent([]string{"a", "b"}[i%2], i)
			loose.Sent("a", i)
		}
		for _, m := range []int{1, 0, 3, 2} { // order counts for each sender
			strict.Received("c", m)
		}
		strict.Received("d", 5) // and for each receiver
		strict.Received("d", 4)
		for _, m := range []int{5, 5, 1} {
			loose.Received("c", m)
		}
	})
}
