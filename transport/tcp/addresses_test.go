// SPDX-License-Identifier: MIT

package tcp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

func listen(t *testing.T, url string, o transport.ListenOptions) transport.Listener {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tcp.Transport{}.Listen(t.Context(), u, o)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newDialer(t *testing.T, url string, o transport.DialOptions) transport.Dialer {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tcp.Transport{}.Dialer(u, o)
	if err != nil {
		t.Fatalf("Dialer: %v", err)
	}
	return d
}

// connect dials, accepts, and returns both ends.
func connect(t *testing.T, d transport.Dialer, l transport.Listener) (dialed, accepted *transport.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
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

// loopback is the loopback interface and its addresses.
func loopback(t *testing.T) *net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 && ifi.Flags&net.FlagUp != 0 {
			return &ifi
		}
	}
	t.Fatal("no loopback interface")
	return nil
}

// needIPv6 skips where ::1 cannot be bound.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("NOT TESTED: this machine has no IPv6 loopback: %v", err)
	}
	_ = l.Close()
}

// replacePort puts the port that a listener got in the place of 0.
func replacePort(url string, l transport.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return strings.TrimSuffix(url, "0") + port
}

func TestWildcards(t *testing.T) {
	for _, test := range []struct{ listen, dialable string }{
		{"tcp://*:0", "tcp://127.0.0.1:0"},
		{"tcp://:0", "tcp://127.0.0.1:0"},
		{"tcp://0.0.0.0:0", "tcp://127.0.0.1:0"},
		{"tcp://[::]:0", "tcp://127.0.0.1:0"},
		{"tcp4://*:0", "tcp4://127.0.0.1:0"},
		{"tcp6://*:0", "tcp6://[::1]:0"},
		{"tcp6://[::]:0", "tcp6://[::1]:0"},
		{"tcp://[::1]:0", "tcp://[::1]:0"},
		{"tcp://*:*", "tcp://127.0.0.1:0"},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:0"},
		{"tcp://[::1]:*", "tcp://[::1]:0"},
	} {
		t.Run(test.listen, func(t *testing.T) {
			if strings.Contains(test.listen, "[") || strings.Contains(test.listen, "6:") {
				needIPv6(t)
			}
			l := listen(t, test.listen, transport.ListenOptions{})
			if got, want := l.URL(), replacePort(test.dialable, l); got != want {
				t.Errorf("URL is %s, not %s", got, want)
			}
			connect(t, newDialer(t, l.URL(), transport.DialOptions{}), l)
		})
	}
}

// TestWildcardFamilies looks at which families a wildcard admits: both, unless it says one.
func TestWildcardFamilies(t *testing.T) {
	needIPv6(t)
	for _, test := range []struct {
		listen string
		v4, v6 bool
	}{
		{"tcp://*:0", true, true},
		{"tcp4://*:0", true, false},
		{"tcp://0.0.0.0:0", true, false},
		{"tcp6://*:0", false, true},
	} {
		t.Run(test.listen, func(t *testing.T) {
			l := listen(t, test.listen, transport.ListenOptions{})
			for url, want := range map[string]bool{"tcp://127.0.0.1:0": test.v4, "tcp://[::1]:0": test.v6} {
				link, err := newDialer(t, replacePort(url, l), transport.DialOptions{}).Dial(t.Context())
				if err == nil {
					_ = link.Close()
				}
				if got := err == nil; got != want {
					t.Errorf("dialing %s: reached is %v, and should be %v (%v)", url, got, want, err)
				}
			}
		})
	}
}

func TestDialByName(t *testing.T) {
	// The name may have both addresses, and the listener has one of them only.
	l := listen(t, "tcp4://127.0.0.1:0", transport.ListenOptions{})
	connect(t, newDialer(t, replacePort("tcp://localhost:0", l), transport.DialOptions{}), l)
}

func TestListenByName(t *testing.T) {
	l := listen(t, "tcp://localhost:0", transport.ListenOptions{})
	connect(t, newDialer(t, l.URL(), transport.DialOptions{}), l)
}

func TestPortInUse(t *testing.T) {
	u, err := transport.ParseURL(listen(t, "tcp://127.0.0.1:0", transport.ListenOptions{}).URL())
	if err != nil {
		t.Fatal(err)
	}
	_, err = tcp.Transport{}.Listen(t.Context(), u, transport.ListenOptions{})
	if err == nil || !strings.Contains(err.Error(), "port 0 picks a free port") {
		t.Errorf("%v", err)
	}
}

func TestListenOnInterface(t *testing.T) {
	lo := loopback(t)
	l := listen(t, "tcp://"+lo.Name+":0", transport.ListenOptions{})
	at := netip.MustParseAddrPort(l.Addr().String())
	if !at.Addr().IsLoopback() {
		t.Errorf("listening on %s is at %s", lo.Name, at)
	}
	connect(t, newDialer(t, l.URL(), transport.DialOptions{}), l)

	t.Run("IPv6", func(t *testing.T) {
		needIPv6(t)
		l := listen(t, "tcp6://"+lo.Name+":0", transport.ListenOptions{})
		if at := netip.MustParseAddrPort(l.Addr().String()); !at.Addr().Is6() {
			t.Errorf("listening on tcp6 and %s is at %s", lo.Name, at)
		}
		connect(t, newDialer(t, l.URL(), transport.DialOptions{}), l)
	})
}

func TestDialFromLocalAddress(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", transport.ListenOptions{})
	lo := loopback(t)
	for _, local := range []string{"127.0.0.1", "*", lo.Name} {
		connect(t, newDialer(t, replacePort("tcp://"+local+";127.0.0.1:0", l), transport.DialOptions{}), l)
		connect(t, newDialer(t, replacePort("tcp://"+local+";localhost:0", l), transport.DialOptions{}), l)
	}
	t.Run("another one of the loopback net", func(t *testing.T) {
		if probe, err := net.Listen("tcp", "127.0.0.2:0"); err != nil {
			t.Skipf("NOT TESTED: this system has 127.0.0.1 only: %v", err)
		} else {
			_ = probe.Close()
		}
		_, accepted := connect(t, newDialer(t, replacePort("tcp://127.0.0.2;127.0.0.1:0", l), transport.DialOptions{}), l)
		if from := netip.MustParseAddrPort(accepted.RemoteAddr().String()).Addr().Unmap(); from != netip.MustParseAddr("127.0.0.2") {
			t.Errorf("the connection comes from %s, not from 127.0.0.2", from)
		}
	})
	t.Run("IPv6", func(t *testing.T) {
		needIPv6(t)
		l := listen(t, "tcp://[::1]:0", transport.ListenOptions{})
		for _, local := range []string{"::1", "[::1]", lo.Name} {
			connect(t, newDialer(t, replacePort("tcp://"+local+";[::1]:0", l), transport.DialOptions{}), l)
		}
	})
	t.Run("no such interface", func(t *testing.T) {
		d := newDialer(t, replacePort("tcp://nosuchif0;127.0.0.1:0", l), transport.DialOptions{})
		if _, err := d.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "nosuchif0") {
			t.Errorf("Dial out of an interface that is not there: %v", err)
		}
	})
}

// libzmq writes a source address with its port.
func TestDialFromSourcePort(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", transport.ListenOptions{})
	for _, local := range []string{"127.0.0.1:0", "*:0", loopback(t).Name + ":0"} {
		connect(t, newDialer(t, replacePort("tcp://"+local+";127.0.0.1:0", l), transport.DialOptions{}), l)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	source := free.Addr().String()
	_ = free.Close()
	for _, local := range []string{source, "*" + strings.TrimPrefix(source, "127.0.0.1")} {
		dialed, accepted := connect(t, newDialer(t, replacePort("tcp://"+local+";127.0.0.1:0", l), transport.DialOptions{}), l)
		if got := accepted.RemoteAddr().String(); got != source {
			t.Errorf("a connection from %s comes from %s", source, got)
		}
		_ = accepted.Close() // first, so that the source port is not the one that stays in TIME_WAIT
		_ = dialed.Close()
	}
}

// linkLocal returns an IPv6 link-local address of this machine, with its zone.
func linkLocal(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		addrs, _ := ifi.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				return p.Addr().WithZone(ifi.Name)
			}
		}
	}
	t.Skip("NOT TESTED: no interface of this machine has an IPv6 link-local address")
	return netip.Addr{}
}

func TestLinkLocal(t *testing.T) {
	ip := linkLocal(t)
	l := listen(t, "tcp://["+ip.String()+"]:0", transport.ListenOptions{})
	if at := l.Addr().(*net.TCPAddr); at.Zone != ip.Zone() {
		t.Errorf("the listener of %s is at %s", ip, at)
	}
	connect(t, newDialer(t, l.URL(), transport.DialOptions{}), l)
	t.Run("out of its interface", func(t *testing.T) {
		target := "[" + ip.WithZone("").String() + "]:0"
		connect(t, newDialer(t, replacePort("tcp://"+ip.Zone()+";"+target, l), transport.DialOptions{}), l)
	})
}

func TestMalformedToDialOnly(t *testing.T) {
	for url, remedy := range map[string]string{
		"tcp://*:5555":              "name a host",
		"tcp://:5555":               "name a host",
		"tcp://127.0.0.1:0":         "port 0",
		"tcp4://::1;127.0.0.1:5555": "IPv6",
		"tcp://127.0.0.1:*":         "take the port from the listener's URL",
		"tcp://eth0:x;127.0.0.1:1":  "source port",
		"tcp://:0;127.0.0.1:1":      "name an interface",
		"tcp://a:b:1;127.0.0.1:1":   "neither an interface nor an address",
	} {
		u, err := transport.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tcp.Transport{}.Dialer(u, transport.DialOptions{})
		if !errors.Is(err, transport.ErrURL) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("Dialer %s: %v; expected is a malformed URL with %q", url, err, remedy)
		}
	}
}

func TestMalformedToListenOnly(t *testing.T) {
	for _, url := range []string{"tcp://eth0;127.0.0.1:5555", "tcp://127.0.0.1;*:5555"} {
		u, err := transport.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (tcp.Transport{}).Listen(t.Context(), u, transport.ListenOptions{}); !errors.Is(err, transport.ErrURL) {
			t.Errorf("Listen %s: %v; expected is a malformed URL", url, err)
		}
	}
}

func TestDialContext(t *testing.T) {
	t.Run("is asked instead of the system", func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		var network, address string
		d := newDialer(t, "tcp6://nowhere.invalid:5555", transport.DialOptions{
			DialContext: func(_ context.Context, n, a string) (net.Conn, error) {
				network, address = n, a
				return ours, nil
			},
		})
		link, err := d.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer link.Close()
		if network != "tcp6" || address != "nowhere.invalid:5555" {
			t.Errorf("DialContext is asked for %q, %q", network, address)
		}
		if link.(*transport.Stream).Conn != ours {
			t.Error("the link is not over DialContext's connection")
		}
	})
	t.Run("sees the context end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDialer(t, "tcp://127.0.0.1:5555", transport.DialOptions{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				cancel()
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		if _, err := d.Dial(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Dial: %v", err)
		}
	})
	t.Run("excludes a local address", func(t *testing.T) {
		u := transport.URL{Scheme: "tcp", Address: "127.0.0.1;127.0.0.1:5555"}
		o := transport.DialOptions{DialContext: new(net.Dialer).DialContext}
		if _, err := (tcp.Transport{}).Dialer(u, o); err == nil {
			t.Error("Dialer takes both, and one would have no effect")
		}
	})
}

// TestDialResolvesAnew checks that a dialer keeps the name, and asks for it with every dial.
func TestDialResolvesAnew(t *testing.T) {
	asked := 0
	d := newDialer(t, "tcp://moving.invalid:5555", transport.DialOptions{
		DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
			asked++
			if address != "moving.invalid:5555" {
				t.Errorf("the name was resolved before the dial: %s", address)
			}
			return nil, syscall.ECONNREFUSED
		},
	})
	for range 2 {
		if _, err := d.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial: %v", err)
		}
	}
	if asked != 2 {
		t.Errorf("2 dials asked %d times", asked)
	}
}
