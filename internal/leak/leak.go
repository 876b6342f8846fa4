// SPDX-License-Identifier: MIT

// Package leak finds goroutines and file descriptors that a test leaves behind, and memory that it released too often.
package leak

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/buf"
)

// module is in the stack of every goroutine that runs, or was started by, code of this repository.
const module = "github.com/sprymq/spry"

// patience is a watchdog, not a measure: what ends at all has ended long before, even on a busy machine.
const patience = 10 * time.Second

// Check makes t fail if, when it ends, there are goroutines of this module or open file descriptors that
// were not there when Check was called, or if a chunk was released more often than retained meanwhile. Call it first in a test: what t.Cleanup registers later runs before
// the check. Descriptors are seen on Linux only.
//
// It sees the whole process, so that the test must not run beside others (t.Parallel), and it polls in real
// time, so that it must be called outside of a synctest bubble; there, the bubble itself reports goroutines
// that stay.
func Check(t testing.TB) {
	t.Helper()
	checkWithin(t, patience)
}

func checkWithin(t testing.TB, patience time.Duration) {
	t.Helper()
	goroutinesBefore, filesBefore, excessBefore := goroutines(), files(), buf.Excess()
	t.Cleanup(func() {
		t.Helper()
		if n := buf.Excess() - excessBefore; n > 0 {
			t.Errorf("%d references to memory were released more often than taken", n)
		}
		deadline := time.Now().Add(patience)
		for {
			leakedGoroutines := added(goroutines(), goroutinesBefore)
			leakedFiles := added(files(), filesBefore)
			if len(leakedGoroutines)+len(leakedFiles) == 0 {
				return
			}
			if time.Now().After(deadline) {
				report(t, leakedGoroutines, leakedFiles)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

func report(t testing.TB, goroutines, files map[string]string) {
	t.Helper()
	if len(goroutines) > 0 {
		t.Errorf("the test leaves %d goroutines behind:\n\n%s", len(goroutines), strings.Join(sorted(goroutines), "\n\n"))
	}
	if len(files) > 0 {
		t.Errorf("the test leaves %d file descriptors open: %s", len(files), strings.Join(sorted(files), ", "))
	}
}

// goroutines returns the stacks of this module's goroutines by their numbers, which are never used twice.
func goroutines() map[string]string {
	found := map[string]string{}
	for stack := range strings.SplitSeq(allStacks(), "\n\n") {
		// Test functions are started by package testing; that one waits for them itself.
		if !strings.Contains(stack, module) || strings.Contains(stack, "created by testing.") {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		found[number] = strings.TrimSpace(stack)
	}
	return found
}

func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n])
		}
	}
}

// files returns the open descriptors and what they are open on. The runtime's own poller, which comes with
// the first use of the network and stays, is left out.
func files() map[string]string {
	const dir = "/proc/self/fd"
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return found // not Linux
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil || strings.HasPrefix(target, "anon_inode:") {
			continue // the descriptor of dir itself is closed by now
		}
		name := e.Name() + " " + target
		found[name] = name
	}
	return found
}

// added returns what is in now and was not in before.
func added(now, before map[string]string) map[string]string {
	for key := range before {
		delete(now, key)
	}
	return now
}

func sorted(m map[string]string) []string {
	var values []string
	for _, v := range m {
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}
