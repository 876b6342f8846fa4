// SPDX-License-Identifier: MIT

package ipc_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
)

func tryListen(ctx context.Context, url string, o transport.ListenOptions) (transport.Listener, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return ipc.Transport{}.Listen(ctx, u, o)
}

func listen(t *testing.T, url string, o transport.ListenOptions) transport.Listener {
	t.Helper()
	l, err := tryListen(t.Context(), url, o)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connect dials the URL, accepts, and returns both ends.
func connect(t *testing.T, url string, l transport.Listener) (dialed, accepted *transport.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ipc.Transport{}.Dialer(u, transport.DialOptions{})
	if err != nil {
		t.Fatalf("Dialer: %v", err)
	}
	link, err := d.Dial(ctx)
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	t.Cleanup(func() { _ = link.Close() })
	other, err := l.Accept()
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return link.(*transport.Stream), other.(*transport.Stream)
}

// leaveStale leaves the socket file of a listener that died.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("the stale file of the test: %v", err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// ZeroMQ's ipc://* leaves the path to the listener.
func TestWildcardChoosesPath(t *testing.T) {
	for _, scheme := range []string{"ipc", "unix"} {
		a, b := listen(t, scheme+"://*", transport.ListenOptions{}), listen(t, scheme+"://*", transport.ListenOptions{})
		if a.URL() == b.URL() || !strings.HasPrefix(a.URL(), scheme+":///") && runtime.GOOS != "windows" {
			t.Errorf("two wildcards are at %s and %s", a.URL(), b.URL())
		}
		connect(t, a.URL(), a)
		connect(t, b.URL(), b)
		path := strings.TrimPrefix(a.URL(), scheme+"://")
		if err := a.Close(); err != nil || exists(path) || exists(filepath.Dir(path)) {
			t.Errorf("closing %s: %v; the socket is there: %v, its directory: %v", a.URL(), err, exists(path), exists(filepath.Dir(path)))
		}
	}
	if exists("*") {
		t.Error("there is a file called *")
	}
	if _, err := (ipc.Transport{}).Dialer(transport.URL{Scheme: "ipc", Address: "*"}, transport.DialOptions{}); !errors.Is(err, transport.ErrURL) {
		t.Errorf("Dialer of a wildcard: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := tempPath(t)
	leaveStale(t, path)
	l := listen(t, "ipc://"+path, transport.ListenOptions{})
	connect(t, l.URL(), l)
}

// TestStaleSocketRace has many listeners find the same stale file. One must win, and the file that is there
// afterwards must be the winner's.
func TestStaleSocketRace(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: a directory cannot be locked on windows, so the race is open there")
	}
	const contenders = 8
	for range 20 {
		path := tempPath(t)
		leaveStale(t, path)
		listeners := make([]transport.Listener, contenders)
		var racing sync.WaitGroup
		for i := range listeners {
			racing.Go(func() {
				if l, err := tryListen(t.Context(), "ipc://"+path, transport.ListenOptions{}); err == nil {
					listeners[i] = l
				}
			})
		}
		racing.Wait()
		var winner transport.Listener
		for _, l := range listeners {
			if l == nil {
				continue
			}
			if winner != nil {
				t.Fatal("two listeners have the same path, and one of them cannot be reached")
			}
			winner = l
		}
		if winner == nil {
			t.Fatal("no listener got the path")
		}
		d, err := ipc.Transport{}.Dialer(transport.URL{Scheme: "ipc", Address: path}, transport.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		link, err := d.Dial(t.Context())
		if err != nil {
			t.Fatalf("the winner cannot be dialed: %v", err)
		}
		_ = link.Close()
		if err := winner.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLiveSocketIsLeftAlone(t *testing.T) {
	path := tempPath(t)
	first := listen(t, "ipc://"+path, transport.ListenOptions{})
	_, err := tryListen(t.Context(), "ipc://"+path, transport.ListenOptions{})
	if err == nil || !strings.Contains(err.Error(), "another listener") {
		t.Fatalf("second Listen: %v", err)
	}
	if !exists(path) {
		t.Fatal("the second Listen removed the file of the first")
	}
	// The second has knocked to see whether somebody is there.
	knock, err := first.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = knock.Close()
	connect(t, first.URL(), first)
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"symlink":   func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			if err := create(path); err != nil {
				t.Skipf("NOT TESTED: %v", err)
			}
			_, err := tryListen(t.Context(), "ipc://"+path, transport.ListenOptions{})
			if err == nil || !strings.Contains(err.Error(), "not a socket") {
				t.Errorf("Listen: %v", err)
			}
			if !exists(path) {
				t.Errorf("Listen removed the %s", name)
			}
		})
	}
}

func TestCloseRemovesTheFile(t *testing.T) {
	path := tempPath(t)
	l := listen(t, "ipc://"+path, transport.ListenOptions{})
	if !exists(path) {
		t.Fatal("listening makes no file")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(path) {
		t.Error("Close leaves the file")
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestCloseRemovesItsOwnFileOnly puts another listener's file in the place of the first one's.
func TestCloseRemovesItsOwnFileOnly(t *testing.T) {
	path := tempPath(t)
	first := listen(t, "ipc://"+path, transport.ListenOptions{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := listen(t, "ipc://"+path, transport.ListenOptions{})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(path) {
		t.Fatal("closing the first listener removed the file of the second")
	}
	connect(t, second.URL(), second)
}

// TestRelativePath listens on a relative path and closes in another directory.
func TestRelativePath(t *testing.T) {
	dir := filepath.Dir(tempPath(t))
	t.Chdir(dir)
	l := listen(t, "ipc://relative.sock", transport.ListenOptions{})
	connect(t, l.URL(), l)
	t.Chdir(os.TempDir())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, "relative.sock")) {
		t.Error("Close in another directory leaves the file")
	}
}

func TestFileThatBeginsWithAt(t *testing.T) {
	dir := filepath.Dir(tempPath(t))
	t.Chdir(dir)
	l := listen(t, "ipc://./@name", transport.ListenOptions{})
	if !exists(filepath.Join(dir, "@name")) {
		t.Error("./@name is not a file")
	}
	connect(t, l.URL(), l)
}

// TestLongestPath finds the limit that the errors tell, and checks that it is the system's own.
func TestLongestPath(t *testing.T) {
	limit := 107
	switch runtime.GOOS {
	case "darwin", "freebsd", "netbsd", "openbsd", "dragonfly":
		limit = 103
	}
	t.Chdir(filepath.Dir(tempPath(t)))
	l := listen(t, "ipc://"+strings.Repeat("p", limit), transport.ListenOptions{})
	connect(t, l.URL(), l)
	_, err := tryListen(t.Context(), "ipc://"+strings.Repeat("p", limit+1), transport.ListenOptions{})
	if !errors.Is(err, transport.ErrURL) || !strings.Contains(err.Error(), fmt.Sprint(limit)) {
		t.Errorf("Listen on one byte more: %v", err)
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		_, err := tryListen(t.Context(), "ipc://"+tempPath(t), transport.ListenOptions{Permissions: 0o600})
		if err == nil {
			t.Error("Listen takes permissions that windows does not keep")
		}
		return
	}
	for _, mode := range []fs.FileMode{0o600, 0o666, 0o777, 0o660} {
		path := tempPath(t)
		l := listen(t, "ipc://"+path, transport.ListenOptions{Permissions: mode})
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("permissions %v are %v", mode, got)
		}
		connect(t, l.URL(), l)
	}
	path := tempPath(t)
	if _, err := tryListen(t.Context(), "ipc://"+path, transport.ListenOptions{Permissions: fs.ModeSetuid | 0o600}); err == nil {
		t.Error("Listen takes more than permissions")
	}
	if exists(path) {
		t.Error("a refused Listen leaves a file")
	}
}

func TestListenWithoutDirectory(t *testing.T) {
	url := "ipc://" + tempPath(t) + "/nowhere/s"
	_, err := tryListen(t.Context(), url, transport.ListenOptions{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), url) {
		t.Errorf("Listen: %v", err)
	}
}

func TestDialContext(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	var network, address string
	d, err := ipc.Transport{}.Dialer(transport.URL{Scheme: "ipc", Address: "/run/s"}, transport.DialOptions{
		DialContext: func(_ context.Context, n, a string) (net.Conn, error) {
			network, address = n, a
			return ours, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	link, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	s := link.(*transport.Stream)
	if network != "unix" || address != "/run/s" || s.Conn != ours {
		t.Errorf("DialContext is asked for %q, %q and its connection is used: %v", network, address, s.Conn == ours)
	}
	if s.Framing != transport.FramingTyped || s.Creds != nil {
		t.Errorf("framing %v, credentials %v; expected are typed and nil", s.Framing, s.Creds)
	}
}
