// SPDX-License-Identifier: MIT

package ipc_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
)

func TestCreds(t *testing.T) {
	want := transport.Creds{PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid()}
	for _, url := range []string{"ipc://" + tempPath(t), abstractURL(t)} {
		l := listen(t, url, transport.ListenOptions{})
		dialed, accepted := connect(t, url, l)
		for name, s := range map[string]*transport.Stream{"dialed": dialed, "accepted": accepted} {
			if s.Creds == nil {
				t.Errorf("%s: the %s end has no credentials", url, name)
			} else if *s.Creds != want {
				t.Errorf("%s: the %s end has a peer %+v, and should have %+v", url, name, *s.Creds, want)
			}
			if s.Framing != transport.FramingTyped {
				t.Errorf("%s: the %s end has framing %v", url, name, s.Framing)
			}
		}
	}
}

func TestSendBuffer(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/net/core/wmem_max")
	if err != nil {
		t.Skipf("NOT TESTED: the system does not tell its limit: %v", err)
	}
	t.Logf("net.core.wmem_max is %s", strings.TrimSpace(string(limit)))
	l := listen(t, "ipc://"+tempPath(t), transport.ListenOptions{})
	dialed, accepted := connect(t, l.URL(), l)
	plain, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(plain)
	usual, err := syscall.GetsockoptInt(plain, syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*transport.Stream{"dialed": dialed, "accepted": accepted} {
		raw, err := s.Conn.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var size int
		_ = raw.Control(func(fd uintptr) {
			size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
		})
		if err != nil {
			t.Fatal(err)
		}
		if size <= usual {
			t.Errorf("%s: SO_SNDBUF is %d, and %d is usual", name, size, usual)
		}
	}
}

// TestPermissionsUnderUmask checks that the umask takes nothing from the permissions asked for, and that
// without any it rules.
func TestPermissionsUnderUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, test := range []struct{ asked, got os.FileMode }{{0o666, 0o666}, {0, 0o700}} {
		path := tempPath(t)
		listen(t, "ipc://"+path, transport.ListenOptions{Permissions: test.asked})
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != test.got {
			t.Errorf("permissions %v asked: the file has %v, and should have %v", test.asked, info.Mode().Perm(), test.got)
		}
	}
}

func TestAbstractNames(t *testing.T) {
	l := listen(t, "abstract://spry%00test%2fa", transport.ListenOptions{})
	// The same name, written in another way.
	connect(t, "abstract://spr%79%00test/a", l)
	if _, err := tryListen(t.Context(), "abstract://spry%00test/a", transport.ListenOptions{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen on the name again: %v", err)
	}
	if exists("@spry") || exists(filepath.Join(os.TempDir(), "@spry")) {
		t.Error("an abstract name makes a file")
	}
	longest := strings.Repeat("%ff", 107)
	connect(t, "abstract://"+longest, listen(t, "abstract://"+longest, transport.ListenOptions{}))
}

func TestAbstractHasNoPermissions(t *testing.T) {
	_, err := tryListen(t.Context(), abstractURL(t), transport.ListenOptions{Permissions: 0o600})
	if err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("Listen takes permissions that cannot be kept: %v", err)
	}
}

// TestFullBacklog dials a listener whose backlog is full. Linux answers EAGAIN at once, and the dial must
// wait instead: until its context ends, or until there is room.
func TestFullBacklog(t *testing.T) {
	path := tempPath(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	d, err := ipc.Transport{}.Dialer(transport.URL{Scheme: "ipc", Address: path}, transport.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := d.Dial(t.Context())
	if err != nil {
		t.Fatalf("the dial that fills the backlog: %v", err)
	}
	defer first.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := d.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial while the backlog is full: %v", err)
	}

	dialed := make(chan error, 1)
	go func() {
		link, err := d.Dial(t.Context())
		if err == nil {
			_ = link.Close()
		}
		dialed <- err
	}()
	for range 2 {
		accepted, _, err := syscall.Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Close(accepted)
	}
	if err := <-dialed; err != nil {
		t.Errorf("Dial when there is room again: %v", err)
	}
}
