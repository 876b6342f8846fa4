// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module of two packages, of which user imports lib, and the list of changes.
func module(t *testing.T, list string) (root string) {
	t.Helper()
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	root = t.TempDir()
	for name, contents := range map[string]string{
		"go.mod":             "module m\n\ngo 1.26\n",
		"lib/lib.go":         "package lib\n\nfunc Sum(a, b int) int {\n\tif a < 0 {\n\t\treturn b\n\t}\n\treturn a + b\n}\n",
		"lib/lib_test.go":    "package lib\n\nimport \"testing\"\n\nfunc TestZero(t *testing.T) {\n\tif Sum(1, 0) != 1 {\n\t\tt.Fatal()\n\t}\n}\n",
		"user/user.go":       "package user\n\nimport \"m/lib\"\n\nfunc Twice(a int) int { return lib.Sum(a, a) }\n",
		"user/user_test.go":  "package user\n\nimport \"testing\"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n",
		"tools/mutate/c.txt": list,
	} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRun(t *testing.T) {
	const list = `lib Sum
see: b is not added
test: user TestTwice
- return a + b
+ return a

lib Sum
see: b is taken away
test: lib TestZero
- return a + b
+ return a - b

lib Sum
see: one is too few
- return a + b
+ return a + b - 1

lib Sum
see: negative numbers count
- if a < 0 {
+ if false {

lib Sum
same: a matter of taste
- return a + b
+ return b + a
`
	root := module(t, list)
	args := []string{"-list", filepath.Join(root, "tools", "mutate", "c.txt"), "-state", filepath.Join(root, "state.json"), root}
	for _, round := range []string{"", ", remembered"} {
		var out bytes.Buffer
		if err := run(args, &out); err == nil {
			t.Error("no error, though a change survives" + round)
		}
		for _, want := range []string{
			"1/5 lib Sum: return a + b => return a\n\tm/user TestTwice\n",
			"2/5 lib Sum: return a + b => return a - b\n\tm/user TestTwice, and not by TestZero as the list says\n",
			"3/5 lib Sum: return a + b => return a + b - 1\n\tm/lib TestZero\n",
			"4/5 lib Sum: if a < 0 { => if false {\n\tSURVIVED: negative numbers count\n",
			"5/5 lib Sum: return a + b => return b + a\n\tpasses, as it may: a matter of taste\n",
			"5 changes: 3 seen by a test, 1 harmless, 1 survived, 0 errors\n",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q%s in\n%s", want, round, &out)
			}
		}
	}
}

// A package of internal/test imports user only, and sees faults of lib too.
func TestTestsOfTheWholeRun(t *testing.T) {
	root := module(t, "lib Sum\nsee: negative numbers count\n- if a < 0 {\n+ if false {\n")
	whole := filepath.Join(root, "internal", "test", "whole")
	if err := os.MkdirAll(whole, 0o755); err != nil {
		t.Fatal(err)
	}
	const source = "package whole_test\n\nimport (\n\t\"testing\"\n\n\t\"m/user\"\n)\n\nfunc TestNegative(t *testing.T) {\n\tif user.Twice(-2) != -2 {\n\t\tt.Fatal()\n\t}\n}\n"
	if err := os.WriteFile(filepath.Join(whole, "whole_test.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run([]string{"-list", filepath.Join(root, "tools", "mutate", "c.txt"), "-state", filepath.Join(root, "state.json"), root}, &out)
	if want := "\tm/internal/test/whole TestNegative\n"; err != nil || !strings.Contains(out.String(), want) {
		t.Errorf("%v, and no %q in\n%s", err, want, &out)
	}
}

func TestCheckMissesTests(t *testing.T) {
	root := module(t, "lib Sum\nsee: x\ntest: user TestGone\n- return a + b\n+ return a\n")
	var out bytes.Buffer
	err := run([]string{"-check", "-list", filepath.Join(root, "tools", "mutate", "c.txt"), root}, &out)
	if want := "line 1: user has no test TestGone\n"; err == nil || !strings.Contains(out.String(), want) {
		t.Errorf("%v, and no %q in\n%s", err, want, &out)
	}
}

func TestCheckTypes(t *testing.T) {
	root := module(t, "lib Sum\nsee: x\n- return a + b\n+ return a + false\n\nlib Sum\nsee: y\n- return a + b\n+ return a\n")
	var out bytes.Buffer
	err := run([]string{"-check", "-list", filepath.Join(root, "tools", "mutate", "c.txt"), root}, &out)
	if got := out.String(); err == nil || !strings.HasPrefix(got, "line 1: ") || !strings.Contains(got, "false") || !strings.Contains(got, "2 changes, 1 do not fit") {
		t.Errorf("%v, and\n%s", err, got)
	}
}
