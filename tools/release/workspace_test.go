// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newWorkspace writes a repository of three modules and commits it. Module a requires b and m, and b requires m; go.work has them in
// another order.
func newWorkspace(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.work":       "go 1.26.0\n\nuse (\n\t./a\n\t.\n\t./long/b\n)\n\nreplace (\n\texample.org/m v0.1.0 => .\n\texample.org/m/long/b v0.1.0 => ./long/b\n)\n",
		"go.mod":        "module example.org/m\n\ngo 1.26.0\n",
		"m.go":          "package m\n",
		"CHANGELOG.md":  "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n\nThe first.\n",
		"LICENSE":       "MIT\n",
		"long/b/go.mod": "module example.org/m/long/b\n\ngo 1.26.0\n\nrequire example.org/m v0.1.0\n", // and no go.sum, as when it is new
		"long/b/b.go":   "package b\n\nimport _ \"example.org/m\"\n",
		"a/go.mod":      "module example.org/m/a\n\ngo 1.26.0\n\nrequire (\n\texample.org/m v0.1.0\n\texample.org/m/long/b v0.1.0\n)\n",
		"a/go.sum":      "example.org/m v0.0.9 h1:old=\n",
		"a/a.go":        "package main\n\nimport (\n\t_ \"example.org/m\"\n\t_ \"example.org/m/long/b\"\n)\n\nfunc main() {}\n",
	} {
		write(t, text, folder, name)
	}
	git(t, folder, "init", "--quiet")
	commit(t, folder)
	return folder
}

// commit commits what is new too.
func commit(t *testing.T, folder string) {
	t.Helper()
	git(t, folder, "add", ".")
	git(t, folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "m")
}

func write(t *testing.T, text string, names ...string) {
	t.Helper()
	name := filepath.Join(names...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, folder string, args ...string) {
	t.Helper()
	if out, err := exec.Command("git", append([]string{"-C", folder}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func read(t *testing.T, names ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(names...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestVersionIsWrittenEverywhere(t *testing.T) {
	folder := newWorkspace(t)
	if err := run(t.Context(), []string{"-C", folder, "version", "v0.2.0"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"go.work":       {"example.org/m v0.2.0 => .", "example.org/m/long/b v0.2.0 => ./long/b"},
		"long/b/go.mod": {"require example.org/m v0.2.0"},
		"a/go.mod":      {"example.org/m v0.2.0", "example.org/m/long/b v0.2.0"},
	} {
		got := read(t, folder, name)
		for _, line := range want {
			if !strings.Contains(got, line+"\n") || strings.Contains(got, "v0.1.0") {
				t.Errorf("%s is, without %q,\n%s", name, line, got)
			}
		}
	}
	if err := run(t.Context(), []string{"-C", folder, "version", "0.3"}); err == nil {
		t.Error("0.3 passes for a version")
	}
}

func TestReplacedModulesAreNotReleased(t *testing.T) {
	folder := newWorkspace(t)
	write(t, read(t, folder, "a", "go.mod")+"\nreplace example.org/m => ../\n", folder, "a", "go.mod")
	if err := run(t.Context(), []string{"-C", folder, "proxy", t.TempDir()}); err == nil || !strings.Contains(err.Error(), "replace") {
		t.Errorf("got %v", err)
	}
}

// Each checksum would have to be in what it is of.
func TestModulesInACircleAreNotReleased(t *testing.T) {
	folder := newWorkspace(t)
	write(t, read(t, folder, "go.mod")+"\nrequire example.org/m/a v0.1.0\n", folder, "go.mod")
	if _, err := readWorkspace(folder); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("got %v", err)
	}
}

// The go command takes the modules from the proxy and accepts the checksums that were written before. Those of b are in its archive,
// so they count for b's checksum in a.
func TestProxyServesWhatTheChecksumsSay(t *testing.T) {
	folder, proxy := newWorkspace(t), t.TempDir()
	if err := run(t.Context(), []string{"-C", folder, "sums"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"long/b/go.sum": {"example.org/m v0.1.0 h1:", "example.org/m v0.1.0/go.mod h1:"},
		"a/go.sum": {
			"example.org/m v0.1.0 h1:", "example.org/m v0.1.0/go.mod h1:",
			"example.org/m/long/b v0.1.0 h1:", "example.org/m/long/b v0.1.0/go.mod h1:",
		},
	} {
		sums := slices.Collect(strings.Lines(read(t, folder, name)))
		if !slices.EqualFunc(sums, want, strings.HasPrefix) {
			t.Fatalf("%s is %q, want %q", name, sums, want)
		}
	}
	commit(t, folder)
	if err := run(t.Context(), []string{"-C", folder, "proxy", proxy}); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"long/b", "a"} {
		c := exec.Command("go", "build", "-o", os.DevNull, ".")
		c.Dir = filepath.Join(folder, sub)
		c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+t.TempDir(), "GOPROXY=file://"+proxy, "GONOSUMDB=example.org/*")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("go build in %s: %v\n%s", sub, err, out)
		}
	}
	// Whoever tags the commit sees by this whether its checksums are right.
	if err := run(t.Context(), []string{"-C", folder, "sums"}); err != nil {
		t.Fatal(err)
	}
	git(t, folder, "diff", "--exit-code")
}

// The commit is what is released, so checksums of another work tree would be wrong.
func TestChecksumsAreOfACommit(t *testing.T) {
	folder := newWorkspace(t)
	write(t, "package m // changed\n", folder, "m.go")
	if err := run(t.Context(), []string{"-C", folder, "sums"}); err == nil || !strings.Contains(err.Error(), "commit first:\n M m.go") {
		t.Errorf("got %v", err)
	}
}

// Between releases, go.mod files name the version that was released last, and go.sum files have its checksums, which do not fit
// what has changed since.
func TestChecksHoldAfterARelease(t *testing.T) {
	folder := newWorkspace(t)
	if err := run(t.Context(), []string{"-C", folder, "sums"}); err != nil {
		t.Fatal(err)
	}
	commit(t, folder)
	write(t, "package m // changed\n", folder, "m.go")
	commit(t, folder)
	if err := run(t.Context(), []string{"-C", folder, "check"}); err != nil {
		t.Error(err)
	}
}

// A new module has no go.sum yet.
func TestTidyWritesWhatIsMissing(t *testing.T) {
	folder := newWorkspace(t)
	const indirect = " // indirect"
	name := filepath.Join(folder, "long", "b", "go.mod")
	write(t, strings.Replace(read(t, name), "v0.1.0", "v0.1.0"+indirect, 1), name)
	commit(t, folder)
	if err := run(t.Context(), []string{"-C", folder, "check"}); err == nil || !strings.Contains(err.Error(), "b/go.mod is not tidy") {
		t.Errorf("check of a go.mod that is not tidy: %v", err)
	}
	if err := run(t.Context(), []string{"-C", folder, "tidy"}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, name); strings.Contains(got, indirect) {
		t.Errorf("go.mod is\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(folder, "long", "b", "go.sum")); !os.IsNotExist(err) {
		t.Errorf("checksums of the workspace's own modules are written for a release only, and now: %v", err)
	}
}

// RELEASING.md says what to tag. A tag that is forgotten is a module without that version.
func TestEveryModuleIsTagged(t *testing.T) {
	w, err := readWorkspace("../..")
	if err != nil {
		t.Fatal(err)
	}
	line := "for module in ''"
	for _, use := range w.file.Use {
		if sub := strings.TrimPrefix(use.Path, "./"); sub != "." {
			line += " " + sub + "/"
		}
	}
	if !strings.Contains(read(t, "..", "..", "RELEASING.md"), line+";") {
		t.Errorf("RELEASING.md has no %q", line+";")
	}
}
