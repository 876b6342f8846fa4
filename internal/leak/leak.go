// SPDX-License-Identifier: MIT

// Package leak finds goroutines, file descriptors and memory that a test leaves behind, and memory that it released too often.
package leak

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
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

// Check makes t fail if, when it ends, there are new goroutines of this module or new open file descriptors. So do chunks
// that were released more often than retained, a heap that has grown by more than caches explain, and failed checks of
// [Also]. Call it first in a test: functions that t.Cleanup registers later run before the check. Descriptors are seen on
// Linux only.
//
// It sees the whole process, so the test must not run beside others (t.Parallel). It polls in real time, so it must be
// called outside of a synctest bubble; there, the bubble itself reports goroutines that stay.
func Check(t testing.TB) {
	t.Helper()
	checkWithin(t, patience)
}

func checkWithin(t testing.TB, patience time.Duration) {
	t.Helper()
	goroutinesBefore, filesBefore, heapBefore := goroutines(), files(), heapAtStart()
	excessBefore := buf.Excess()
	var alsoAtEnd []func() []string
	for _, check := range also {
		alsoAtEnd = append(alsoAtEnd, check())
	}
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
				break
			}
			if time.Now().After(deadline) {
				report(t, leakedGoroutines, leakedFiles)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		for _, check := range alsoAtEnd {
			for _, why := range check() {
				t.Errorf("%s", why)
			}
		}
		checkHeap(t, heapBefore, deadline)
	})
}

// also are checks of others.
var also []func() (end func() []string)

// Also adds a check: every Check begins with begin, and ends with the function that begin returned, which describes
// violations. The init function of a package with invariants calls it.
func Also(begin func() (end func() []string)) { also = append(also, begin) }

// heapRoom is how much larger the live heap may be when a test ends, in bytes: pools and caches of the process fill once, and package
// testing keeps the cleanup functions of subtests, with all that they refer to, until their parent ends. That is up to 19 MiB where
// hundreds of peers break the protocol. A message or a connection that is kept shows in tests that make many.
const heapRoom = 32 << 20

// checkHeap makes t fail if the heap has not come back.
func checkHeap(t testing.TB, before uint64, deadline time.Time) {
	t.Helper()
	if allocated() <= before+heapRoom {
		return
	}
	for now := heap(); now > before+heapRoom; now = heap() { // garbage is no leak, however late it is
		if time.Now().After(deadline) {
			t.Errorf("the test leaves %d KiB more on the heap than there were before it, and %d are taken for caches", (now-before)>>10, heapRoom>>10)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// heapAtStart is the live heap, or a little more: collecting garbage before every test would double the duration of most
// tests.
func heapAtStart() uint64 {
	if n := allocated(); n < heapRoom/2 {
		return n
	}
	return heap()
}

// heap is the size of the live heap, in bytes. The second collection frees the contents of pools.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	return allocated()
}

// allocated is the size of the heap, in bytes, including garbage.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
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

// files returns the open descriptors and their files. The runtime's own poller, which is opened with the first use of the
// network and stays, is left out.
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

// added returns the entries of now that are not in before.
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
