// SPDX-License-Identifier: MIT

package sprytest

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
)

var (
	seedFlag = flag.Uint64("sprytest.seed", 0, "the first `seed` of every sprytest.Run, and the only one unless -sprytest.runs is set")
	runsFlag = flag.Int("sprytest.runs", 0, "how many `seeds` every sprytest.Run tries, instead of what the test says")
)

// Run calls test with worlds of the seeds 1 to runs, one after the other, each in a bubble of package testing/synctest. It ends with
// the first run that fails, and prints how to repeat it. With -v it prints each seed before its run, for runs that end the process.
//
// The flag -sprytest.seed=N tries the seed N alone. With -sprytest.runs=M, M seeds are tried, from 1 or from N. Both flags exist in
// test programs that import this package.
//
// Run must not be called within a bubble.
func Run(t *testing.T, runs int, test func(w *World)) {
	t.Helper()
	first := uint64(1)
	if *seedFlag != 0 {
		first, runs = *seedFlag, 1
	}
	if *runsFlag > 0 {
		runs = *runsFlag
	}
	if runs <= 0 {
		t.Fatalf("sprytest: %d runs try nothing", runs)
	}
	for i := range runs {
		run(t, i+1, runs, first+uint64(i), test)
	}
}

// run does one run. It ends the test if that fails.
func run(t *testing.T, number, runs int, seed uint64, test func(w *World)) {
	t.Helper()
	if testing.Verbose() {
		t.Logf("seed %d", seed)
	}
	done := false
	defer func() {
		t.Helper()
		if done {
			return
		}
		if why := recover(); why != nil {
			if text := fmt.Sprint(why); !strings.HasPrefix(text, "deadlock") {
				panic(why) //nolint:forbidigo // it was one
			}
			t.Errorf("sprytest: %v\n%s", why, stuck())
		}
		if t.Failed() {
			t.Logf("sprytest: run %d of %d failed. Its seed is %d. To repeat it:\n\t%s", number, runs, seed, repeat(t.Name(), seed))
			t.FailNow()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		over := false
		defer func() {
			if !over && !t.Failed() && !t.Skipped() { // a panic, which ends the process before anything else is printed
				fmt.Fprintf(os.Stderr, "sprytest: the run with seed %d panics. To repeat it:\n\t%s\n%s", seed, repeat(t.Name(), seed), debug.Stack())
			}
		}()
		test(newWorld(t, seed))
		over = true
	})
	done = true
}

// repeat is the command that repeats a run.
func repeat(test string, seed uint64) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return fmt.Sprintf("go test -run '%s' -sprytest.seed=%d", strings.Join(parts, "/"), seed)
}

// stuck returns the stacks of the goroutines in the latest bubble, which wait for ever.
func stuck() string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var latest int
	var found []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		head, _, _ := strings.Cut(stack, "\n")
		_, bubble, inBubble := strings.Cut(head, "synctest bubble ")
		var number int
		if _, err := fmt.Sscanf(bubble, "%d", &number); !inBubble || err != nil || strings.Contains(head, "running") || number < latest {
			continue
		}
		if number > latest {
			latest, found = number, nil
		}
		found = append(found, stack)
	}
	return "These goroutines wait for ever:\n\n" + strings.Join(found, "\n\n")
}
