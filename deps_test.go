// SPDX-License-Identifier: MIT

package spry_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A program that uses the package alone has these packages, of which none is net/http: larger transports are packages that it
// names in Options.Transports. Packages that are internal, to the standard library or here, are not listed.
func TestDependencies(t *testing.T) {
	kept, err := os.ReadFile("testdata/deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64")
	out, err := list.Output()
	if err != nil {
		t.Skipf("NOT TESTED: no go command: %v", err)
	}
	want := strings.Fields(string(kept))
	for name := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(name, "internal") && !strings.HasPrefix(name, "vendor/") && !slices.Contains(want, name) {
			t.Errorf("the package depends on %s, which testdata/deps.txt does not have", name)
		}
	}
	if slices.Contains(want, "net/http") {
		t.Error("testdata/deps.txt has net/http")
	}
}
