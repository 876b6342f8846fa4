// SPDX-License-Identifier: MIT

// Package peer runs the foreign programs that Spry is tested against: tools found on the machine, C programs
// compiled for the run, and the spry command itself.
//
// Nothing here waits for a time to pass: a test waits for what a process prints, for its end, or for its address to
// be listened on. A watchdog ends each wait that takes far too long. Every process is killed and reaped when its
// test ends.
package peer

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// Watchdog limits every wait. It is generous: it detects hangs on a slow machine, and asserts nothing.
const Watchdog = 3 * time.Minute

// RequireEnv is the environment variable that, set to "require", turns a missing peer into a failure.
const RequireEnv = "SPRY_INTEROP"

// absent counts, by peer, the tests that could not run.
var absent = struct {
	sync.Mutex
	tests map[string]int
}{tests: map[string]int{}}

// Find returns the path of a foreign program. Where it is not installed, the test says so and is skipped, or
// fails if it is required; see [RequireEnv].
func Find(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program, fmt.Sprintf("install Debian's %s", debianPackage))
	}
	return path
}

// missing ends a test without its peer.
func missing(t testing.TB, what, remedy string) {
	t.Helper()
	absent.Lock()
	absent.tests[what]++
	absent.Unlock()
	if os.Getenv(RequireEnv) == "require" {
		t.Fatalf("NOT TESTED: %s is missing and %s=require; %s", what, RequireEnv, remedy)
	}
	t.Skipf("NOT TESTED: %s is missing; %s", what, remedy)
}

// Summary writes how many tests could not run because of each missing peer. It writes nothing if no peer was missing.
func Summary(w io.Writer) {
	absent.Lock()
	defer absent.Unlock()
	names := make([]string, 0, len(absent.tests))
	for name := range absent.tests {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "interop: %s is MISSING: %d tests NOT RUN (%s=require makes this a failure)\n",
			name, absent.tests[name], RequireEnv)
	}
}
