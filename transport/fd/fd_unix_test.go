// SPDX-License-Identifier: MIT

//go:build unix

package fd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/fd"
)

var options = spry.Options{Transports: []transport.Transport{fd.Transport{}}}

// pair returns two connected descriptors.
func pair(t *testing.T) (a, b int) {
	t.Helper()
	both, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	testkit.Check(t, err)
	return both[0], both[1]
}

// open makes a descriptor of a listener or a connection until the test ends.
func open(t *testing.T, socket interface{ Close() error }) int {
	t.Helper()
	n, err := passed(socket)
	testkit.Check(t, err)
	t.Cleanup(func() { _ = unix.Close(n) })
	return n
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", testkit.Host+":0")
	testkit.Check(t, err)
	return l
}

// A program that has two connected descriptors, as a parent makes them for a child, sends from one to the other.
func TestConnectedDescriptors(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	a, b := pair(t)
	pull, push := spry.NewPull(&spry.PullOptions{Options: options}), spry.NewPush(&spry.PushOptions{Options: options})
	at, err := pull.Listen(ctx, fmt.Sprint("fd://", a))
	testkit.Check(t, err)
	if want := fmt.Sprint("fd://", a); at.URL() != want {
		t.Errorf("the listener's URL is %s, want %s", at.URL(), want)
	}
	_, err = push.Dial(ctx, fmt.Sprint("fd://", b))
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte("a job")))
	got, err := pull.Recv(ctx)
	testkit.Check(t, err)
	if string(got) != "a job" {
		t.Errorf("got %q", got)
	}
	for p := range pull.Pipes() {
		if c := p.Creds(); c == nil || c.UID != os.Getuid() {
			t.Errorf("the peer's credentials are %+v", c)
		}
	}
	testkit.CloseAll(t, push, pull)
}

// The end of a connection that cannot be made again ends its dialer, with an event that says why.
func TestDialerEndsWithItsConnection(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	a, b := pair(t)
	o := options
	o.Backoff = spry.Backoff{Min: 1}
	pull, push := spry.NewPull(&spry.PullOptions{Options: options}), spry.NewPush(&spry.PushOptions{Options: o})
	events := push.Events(ctx)
	_, err := pull.Listen(ctx, fmt.Sprint("fd://", a))
	testkit.Check(t, err)
	e, err := push.Dial(ctx, fmt.Sprint("fd://", b))
	testkit.Check(t, err)
	testkit.Check(t, pull.Close())
	for event := range events {
		if event.Kind != spry.EventGaveUp {
			continue
		}
		testkit.Wants(t, event.Err, transport.ErrNoRedial, fmt.Sprint("fd://", b), "was used")
		if event.Endpoint != e {
			t.Errorf("%v gave up, and not %v", event.Endpoint, e)
		}
		break
	}
	testkit.Check(t, push.Close())
}

// A listening descriptor outlives its listeners, one at a time. Connections wait in between.
func TestListeningDescriptorIsUsedAgain(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	l := listenTCP(t)
	address := l.Addr().String()
	u := transport.URL{Scheme: "fd", Address: fmt.Sprint(open(t, l))}
	first, err := fd.Transport{}.Listen(ctx, u, transport.ListenOptions{})
	testkit.Check(t, err)
	if want := "tcp://" + address; first.URL() != want {
		t.Errorf("the listener's URL is %s, want %s", first.URL(), want)
	}
	_, err = fd.Transport{}.Listen(ctx, u, transport.ListenOptions{})
	testkit.Wants(t, err, err, u.String(), "another listener has")
	_, err = dial(u)
	testkit.Wants(t, err, err, u.String(), "another listener has")
	testkit.Check(t, first.Close())
	testkit.Check(t, ignoreClosed(first.Close()))

	early, err := net.Dial("tcp", address)
	testkit.Check(t, err)
	second, err := fd.Transport{}.Listen(ctx, u, transport.ListenOptions{})
	testkit.Check(t, err)
	link, err := second.Accept()
	testkit.Check(t, err)
	if link.RemoteAddr().String() != early.LocalAddr().String() {
		t.Errorf("accepted %v, want %v", link.RemoteAddr(), early.LocalAddr())
	}
	testkit.CloseAll(t, link, early, second)
}

// A number that somebody closes and the system gives to another socket is that socket's.
func TestNumbersAreGivenAgain(t *testing.T) {
	leak.Check(t)
	n, other := open(t, listenTCP(t)), open(t, listenTCP(t))
	u := transport.URL{Scheme: "fd", Address: fmt.Sprint(n)}
	first, err := fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
	testkit.Check(t, err)
	testkit.Check(t, unix.Close(n))
	if again, err := unix.FcntlInt(uintptr(other), unix.F_DUPFD, n); again != n || err != nil {
		t.Fatalf("the number is %d, want %d: %v", again, n, err)
	}
	second, err := fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
	testkit.Check(t, err)
	testkit.Check(t, first.Close())
	_, err = fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
	testkit.Wants(t, err, err, "another listener has")
	testkit.Check(t, second.Close())
}

func dial(u transport.URL) (transport.Link, error) {
	d, err := fd.Transport{}.Dialer(u, transport.DialOptions{})
	if err != nil {
		return nil, err
	}
	return d.Dial(context.Background())
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// A connection that Accept never returned closes with its listener.
func TestUnacceptedConnectionCloses(t *testing.T) {
	leak.Check(t)
	a, b := pair(t)
	l, err := fd.Transport{}.Listen(t.Context(), transport.URL{Scheme: "fd", Address: fmt.Sprint(a)}, transport.ListenOptions{})
	testkit.Check(t, err)
	testkit.Check(t, l.Close())
	if n, err := unix.Read(b, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the other end reads %d bytes, and %v, want the end", n, err)
	}
	testkit.Check(t, unix.Close(b))
	if _, err := l.Accept(); err == nil {
		t.Error("Accept returns a connection after Close")
	}
}

// What cannot be used is refused with what it is.
func TestUnusableDescriptors(t *testing.T) {
	file, err := os.Open(os.DevNull)
	testkit.Check(t, err)
	defer file.Close()
	packets, err := net.ListenPacket("udp", testkit.Host+":0")
	testkit.Check(t, err)
	idle, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	testkit.Check(t, err)
	defer func() { _ = unix.Close(idle) }()
	gone, other := pair(t)
	testkit.Check(t, errors.Join(unix.Close(gone), unix.Close(other)))
	for _, c := range []struct {
		fd   int
		says string
	}{
		{gone, "has no descriptor"},
		{int(file.Fd()), "is no socket"},
		{open(t, packets), "not a stream socket"},
		{idle, "neither listens nor is connected"},
	} {
		u := transport.URL{Scheme: "fd", Address: fmt.Sprint(c.fd)}
		_, err := fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
		testkit.Wants(t, err, err, u.String(), c.says)
		_, err = dial(u)
		testkit.Wants(t, err, err, u.String(), c.says)
	}
	u := transport.URL{Scheme: "fd", Address: fmt.Sprint(open(t, listenTCP(t)))}
	_, err = dial(u)
	testkit.Wants(t, err, err, u.String(), "listens, and is no connection")
	_, err = fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{Permissions: 0o600})
	testkit.Wants(t, err, err, u.String(), "SocketMode=")
}

func TestMalformedAddresses(t *testing.T) {
	for _, address := range []string{
		"", "-1", " 3", "3 ", "2147483648", "99999999999999999999", "a:b", "a\x00", "\u00e9", "3?x=1", strings.Repeat("n", 256),
	} {
		u := transport.URL{Scheme: "fd", Address: address}
		_, err := fd.Transport{}.Dialer(u, transport.DialOptions{})
		if address == "-1" { // a name to systemd
			testkit.Check(t, err)
			continue
		}
		testkit.Wants(t, err, transport.ErrURL, "fd://")
		_, err = fd.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
		testkit.Wants(t, err, transport.ErrURL, "fd://")
	}
}

// The URL of a Unix socket is one that ipc dials, whatever its name has.
func TestURLsOfUnixSockets(t *testing.T) {
	names := map[string]string{filepath.Join(t.TempDir(), "s"): "ipc://"}
	if strings.HasPrefix(testkit.Host, "127.") && !strings.HasSuffix(testkit.Host, ".0.0.1") { // Linux
		names["@spry test %\x01?"] = "abstract://"
	}
	for name, scheme := range names {
		bound, err := net.Listen("unix", name)
		testkit.Check(t, err)
		pull := spry.NewPull(&spry.PullOptions{Options: options})
		at, err := pull.Listen(t.Context(), fmt.Sprint("fd://", open(t, bound)))
		testkit.Check(t, err)
		if !strings.HasPrefix(at.URL(), scheme) {
			t.Errorf("%q has the URL %s", name, at.URL())
		}
		push := spry.NewPush(nil)
		_, err = push.Dial(testkit.Watchdog(t), at.URL())
		testkit.Check(t, err)
		testkit.CloseAll(t, push, pull)
	}
}

// Programs that this process starts do not get descriptors that it uses.
func TestDescriptorsAreNotInherited(t *testing.T) {
	n := open(t, listenTCP(t))
	l, err := fd.Transport{}.Listen(t.Context(), transport.URL{Scheme: "fd", Address: fmt.Sprint(n)}, transport.ListenOptions{})
	testkit.Check(t, err)
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	testkit.Check(t, err)
	if flags&unix.FD_CLOEXEC == 0 {
		t.Error("the descriptor passes to children")
	}
	testkit.Check(t, l.Close())
}
