// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with a public package, an internal one, and a command.
func module(t *testing.T) (root string) {
	t.Helper()
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	root = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                 "module example.org/m\n\ngo 1.26\n",
		"m.go":                   "package m\n\nimport \"example.org/m/internal/in\"\n\ntype T = in.T\n\nconst C = 1\n\nfunc F(int) error { return nil }\n",
		"internal/in/in.go":      "package in\n\ntype T struct {\n\tA string\n\tb int\n}\n\nfunc (t *T) M(x T) {}\n",
		"cmd/c/main.go":          "package main\n\nfunc Hidden() {}\n\nfunc main() {}\n",
		"internal/in/in_test.go": "package in\n",
	} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestListHasWhatProgramsSee(t *testing.T) {
	root := module(t)
	if err := run(root, false, false); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "api", "m.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pkg m, const C ", "pkg m, func F(int) error\n", "pkg m, method (*T) M(in.T)\n", "pkg m, type T struct, A string\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, hidden := range []string{"Hidden", " b int", "pkg in"} {
		if strings.Contains(string(got), hidden) {
			t.Errorf("%q is in\n%s", hidden, got)
		}
	}
}

func TestCheckSeesEveryDifference(t *testing.T) {
	root := module(t)
	if err := run(root, true, false); err == nil {
		t.Error("no list, and no error")
	}
	if err := run(root, false, false); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, false); err != nil {
		t.Errorf("a new list differs: %v", err)
	}
	source := filepath.Join(root, "m.go")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, append(text, "\nvar New int\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, false); err == nil || !strings.Contains(err.Error(), "CHANGELOG.md") {
		t.Errorf("a new name passes: %v", err)
	}
}
