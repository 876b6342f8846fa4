// SPDX-License-Identifier: MIT

package spry_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// packageOf finds the first package of the module in the name of a function. Functions of generic packages have it among their types.
var packageOf = regexp.MustCompile(`github\.com/sprymq/spry((?:/[a-z0-9]+)*)\.`)

// A program that uses tcp alone contains these packages of the module, of each about so much code, and nothing of package stream or
// of the transports that it does not name. So nobody pays for what others use.
func TestLinkedCode(t *testing.T) {
	kept, err := os.ReadFile("testdata/linked.txt")
	if err != nil {
		t.Fatal(err)
	}
	limits := make(map[string]uint64) // in KiB
	for line := range strings.Lines(string(kept)) {
		name, size, _ := strings.Cut(strings.TrimSpace(line), " ")
		if limits[name], err = strconv.ParseUint(size, 10, 64); err != nil {
			t.Fatalf("testdata/linked.txt: %q: %v", line, err)
		}
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("NOT TESTED: no go command: %v", err)
	}
	program := filepath.Join(t.TempDir(), "tcponly")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/tcponly")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	sizes := make(map[string]uint64)
	for _, s := range symbols {
		if m := packageOf.FindStringSubmatch(s.Name); m != nil && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			sizes["."+m[1]] += s.Size
		}
	}
	if sizes["./internal/engine"] == 0 {
		t.Fatal("the program's functions were not found")
	}
	for name, size := range sizes {
		limit, ok := limits[name]
		switch size := (size + 1023) / 1024; {
		case !ok:
			t.Errorf("the program contains %d KiB of %s, which testdata/linked.txt does not have", size, name)
		case size > limit+limit/20+1: // another compiler may make somewhat more of it
			t.Errorf("the program contains %d KiB of %s, and testdata/linked.txt has %d", size, name, limit)
		}
	}
	for name := range limits {
		if sizes[name] == 0 {
			t.Errorf("the program contains nothing of %s, which testdata/linked.txt has", name)
		}
	}
}
