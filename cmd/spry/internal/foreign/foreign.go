// SPDX-License-Identifier: MIT

// Package foreign finds other projects' programs for tests. One that is missing is never passed over quietly.
package foreign

import (
	"os"
	"os/exec"
	"testing"
)

// Require is the value of SPRY_INTEROP that makes a missing program a failure.
const Require = "require"

// Find returns the path of a program. Where it is missing the test says so and is skipped; with SPRY_INTEROP=require it
// fails.
func Find(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("SPRY_INTEROP") == Require {
		t.Fatalf("NOT TESTED: %s is missing; install Debian's %s", name, debianPackage)
	}
	if err != nil {
		t.Skipf("NOT TESTED: %s is missing; install Debian's %s", name, debianPackage)
	}
	return path
}
