// SPDX-License-Identifier: MIT

// Package foreign finds other projects' programs for tests. One that is missing is never passed over quietly.
package foreign

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Require is the value of SPRY_INTEROP that makes a missing program a failure.
const Require = "require"

// Find returns the path of a program. Where it is missing the test is skipped, with a line on standard error
// that shows without -v too; with SPRY_INTEROP=require it fails.
func Find(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	message := fmt.Sprintf("%s is not installed (on Debian: apt-get install %s): %s was NOT run", name, debianPackage, t.Name())
	if os.Getenv("SPRY_INTEROP") == Require {
		t.Fatal(message)
	}
	fmt.Fprintln(os.Stderr, "MISSING PEER:", message)
	t.Skip(message)
	return ""
}
