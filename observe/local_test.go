// SPDX-License-Identifier: MIT

package observe_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
)

// localFolder is the folder of sockets during a test. Its parent is short, as the paths of sockets must be.
func localFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	testkit.Check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return filepath.Join(dir, "spry")
}

// serveLocal serves this process until stop.
func serveLocal(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- observe.ServeLocal(ctx, nil) }()
	testkit.Eventually(t, "the process is found", func() bool {
		select {
		case err := <-done:
			t.Fatal(err)
		default:
		}
		return len(observe.Local()) > 0
	})
	return func() {
		cancel()
		testkit.Check(t, <-done)
	}
}

func TestLocalProcessesAreFound(t *testing.T) {
	leak.Check(t)
	dir := localFolder(t)
	if all := observe.Local(); len(all) != 0 {
		t.Fatal(all)
	}
	push, _ := flow(t, "jobs")
	stop := serveLocal(t)
	all := observe.Local()
	if len(all) != 1 || !strings.HasPrefix(all[0], "unix:///") {
		t.Fatal(all)
	}
	r, err := (&observe.Node{URL: all[0]}).Report(t.Context())
	testkit.Check(t, err)
	if r.Instance != spry.Instance() || len(r.Sockets) != 2 || r.Sockets[0].ID != push.ID() || r.Sockets[0].Send.Sent != 5 {
		t.Errorf("%+v", r)
	}
	if p := r.Process; p.PID != os.Getpid() || p.Name == "" || strings.ContainsAny(p.Name, `/\ `) || p.Goroutines < 1 || p.HeapBytes == 0 ||
		p.MaxProcs != runtime.GOMAXPROCS(0) || p.Started.IsZero() || p.Go != runtime.Version() || p.Spry == "" || p.OS != runtime.GOOS {
		t.Errorf("%+v", p)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, strings.TrimPrefix(all[0], "unix://"): 0o600 | os.ModeSocket} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s has the mode %v, want %v: %v", path, info.Mode(), want, err)
			}
		}
	}
	if err := observe.ServeLocal(t.Context(), nil); err == nil { // for the file is in use
		t.Error("a process serves twice")
	}
	stop()
	files, err := os.ReadDir(dir)
	if testkit.Check(t, err); len(files) > 0 || len(observe.Local()) > 0 {
		t.Errorf("%v is left", files)
	}
}

// What a dead process left is not shown, and goes when it is old enough not to be a process that is about to listen.
func TestSocketsOfDeadProcessesAreRemoved(t *testing.T) {
	dir := localFolder(t)
	testkit.Check(t, os.Mkdir(dir, 0o700))
	dead := filepath.Join(dir, "1-dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	testkit.Check(t, err)
	l.SetUnlinkOnClose(false)
	testkit.Check(t, l.Close())
	other := filepath.Join(dir, "notes.txt")
	testkit.Check(t, os.WriteFile(other, nil, 0o600))
	if all := observe.Local(); len(all) > 0 {
		t.Error(all)
	}
	if _, err := os.Lstat(dead); err != nil {
		t.Error("a new file is gone:", err)
	}
	old := time.Now().Add(-time.Hour)
	testkit.Check(t, os.Chtimes(dead, old, old))
	testkit.Check(t, os.Chtimes(other, old, old))
	if all := observe.Local(); len(all) > 0 {
		t.Error(all)
	}
	files, err := os.ReadDir(dir)
	if testkit.Check(t, err); len(files) != 1 || !slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "notes.txt" }) {
		t.Errorf("%v", files)
	}
}

// Nobody else may put a socket where the user's tools look for them.
func TestFoldersOfOthersAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders have no mode")
	}
	dir := localFolder(t)
	testkit.Check(t, os.Mkdir(dir, 0o700))
	testkit.Check(t, os.Chmod(dir, 0o777))
	l, err := net.Listen("unix", filepath.Join(dir, "1-trap.sock"))
	testkit.Check(t, err)
	defer l.Close()
	brief, cancel := context.WithTimeout(t.Context(), time.Second) // which only a failure takes
	defer cancel()
	if err := observe.ServeLocal(brief, nil); err == nil {
		t.Error("it serves in a folder that others can write")
	}
	if all := observe.Local(); len(all) > 0 {
		t.Error(all)
	}
	testkit.Check(t, os.Chmod(dir, 0o700))
	if all := observe.Local(); len(all) != 1 {
		t.Error(all)
	}
	testkit.Check(t, l.Close())
	testkit.Check(t, os.Remove(dir))
	elsewhere := t.TempDir()
	testkit.Check(t, os.Symlink(elsewhere, dir))
	if err := observe.ServeLocal(brief, nil); err == nil {
		t.Error("it follows a link")
	}
}
