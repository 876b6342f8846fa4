// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newWorkspace writes a repository of two modules, the second of which requires the first, and commits it.
func newWorkspace(t *testing.T, more string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.work":    "go 1.26.0\n\nuse (\n\t.\n\t./cmd\n)\n\nreplace example.org/m v0.1.0 => .\n",
		"go.mod":     "module example.org/m\n\ngo 1.26.0\n",
		"m.go":       "package m\n",
		"LICENSE":    "MIT\n",
		"cmd/go.mod": "module example.org/m/cmd\n\ngo 1.26.0\n\nrequire example.org/m v0.1.0\n" + more,
		"cmd/go.sum": "example.com/a v1.0.0 h1:a=\nexample.org/m v0.0.9 h1:old=\nexample.org/z v1.0.0 h1:z=\n",
		"cmd/c.go":   "package main\n\nimport _ \"example.org/m\"\n\nfunc main() {}\n",
	} {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, folder, "init", "--quiet")
	git(t, folder, "add", ".")
	git(t, folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "m")
	return folder
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
	folder := newWorkspace(t, "")
	if err := run(t.Context(), []string{"-C", folder, "version", "v0.2.0"}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, folder, "go.work"); !strings.Contains(got, "replace example.org/m v0.2.0 => .") || strings.Contains(got, "v0.1.0") {
		t.Errorf("go.work is\n%s", got)
	}
	if got := read(t, folder, "cmd", "go.mod"); !strings.Contains(got, "require example.org/m v0.2.0") {
		t.Errorf("cmd/go.mod is\n%s", got)
	}
	if err := run(t.Context(), []string{"-C", folder, "version", "0.3"}); err == nil {
		t.Error("0.3 passes for a version")
	}
}

func TestReplacedModulesAreNotReleased(t *testing.T) {
	folder := newWorkspace(t, "\nreplace example.org/m => ../\n")
	if err := run(t.Context(), []string{"-C", folder, "proxy", t.TempDir()}); err == nil || !strings.Contains(err.Error(), "replace") {
		t.Errorf("got %v", err)
	}
}

// The go command takes the modules from the proxy and accepts the checksums that were written before.
func TestProxyServesWhatTheChecksumsSay(t *testing.T) {
	folder, proxy, user := newWorkspace(t, ""), t.TempDir(), t.TempDir()
	if err := run(t.Context(), []string{"-C", folder, "sums"}); err != nil {
		t.Fatal(err)
	}
	sums := strings.Split(strings.TrimSpace(read(t, folder, "cmd", "go.sum")), "\n")
	if len(sums) != 4 || !strings.HasPrefix(sums[1], "example.org/m v0.1.0 h1:") || !strings.HasPrefix(sums[2], "example.org/m v0.1.0/go.mod h1:") {
		t.Fatalf("go.sum is %q", sums)
	}
	if err := run(t.Context(), []string{"-C", folder, "proxy", proxy}); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("go", "build", "-o", os.DevNull, ".")
	c.Dir = filepath.Join(folder, "cmd")
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+user, "GOPROXY=file://"+proxy, "GONOSUMDB=example.org/*")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
