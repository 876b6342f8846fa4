// SPDX-License-Identifier: MIT

package tcp_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
)

// option reads an integer option of a stream's socket.
func option(t *testing.T, s *transport.Stream, level, name int) int {
	t.Helper()
	raw, err := s.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	controlErr := raw.Control(func(fd uintptr) { value, err = syscall.GetsockoptInt(int(fd), level, name) })
	if controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
	return value
}

func TestSocketOptions(t *testing.T) {
	for _, test := range []struct {
		name          string
		nagle         bool
		keepAlive     time.Duration
		noDelay, keep int
		interval      int
	}{
		{"defaults", false, 0, 1, 1, 15},
		{"Nagle", true, 0, 0, 1, 15},
		{"KeepAlive 40 s", false, 40 * time.Second, 1, 1, 40},
		{"KeepAlive off", false, -1, 1, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listen(t, "tcp://127.0.0.1:0", transport.ListenOptions{Nagle: test.nagle, KeepAlive: test.keepAlive})
			d := newDialer(t, l.URL(), transport.DialOptions{Nagle: test.nagle, KeepAlive: test.keepAlive})
			dialed, accepted := connect(t, d, l)
			for name, s := range map[string]*transport.Stream{"dialed": dialed, "accepted": accepted} {
				if got := option(t, s, syscall.IPPROTO_TCP, syscall.TCP_NODELAY); got != test.noDelay {
					t.Errorf("%s: TCP_NODELAY is %d, not %d", name, got, test.noDelay)
				}
				// The kernel counts double, and may be set to allow less.
				if got := option(t, s, syscall.SOL_SOCKET, syscall.SO_SNDBUF); got > 400<<10 {
					t.Errorf("%s: SO_SNDBUF is %d within the machine: what is sent leaves the processor's cache", name, got)
				}
				if got := option(t, s, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); got != test.keep {
					t.Errorf("%s: SO_KEEPALIVE is %d, not %d", name, got, test.keep)
				}
				if test.keep == 0 {
					continue
				}
				if got := option(t, s, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE); got != test.interval {
					t.Errorf("%s: TCP_KEEPIDLE is %d, not %d", name, got, test.interval)
				}
				if got := option(t, s, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL); got != test.interval {
					t.Errorf("%s: TCP_KEEPINTVL is %d, not %d", name, got, test.interval)
				}
			}
		})
	}
}
