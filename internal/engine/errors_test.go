// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestErrorsNameEachAddressOnce(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	reset := &net.OpError{Op: "read", Net: "tcp", Source: addr, Addr: addr, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	unknown := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere"}}
	const url, tls = "tcp://127.0.0.1:1", "tls+tcp://127.0.0.1:1"
	for _, test := range []struct {
		err  *OpError
		want string
	}{
		{&OpError{Op: "dial", URL: url, Err: fmt.Errorf("%s: %w", url, refused)}, "spry: dial " + url + ": connect: connection refused"},
		{&OpError{Op: "dial", URL: "zmtp+" + url, Err: fmt.Errorf("%s: %w", url, refused)}, "spry: dial zmtp+" + url + ": connect: connection refused"},
		{&OpError{Op: "dial", URL: tls, Err: fmt.Errorf("%s: %w", tls, refused)}, "spry: dial " + tls + ": connect: connection refused"},
		{&OpError{Op: "dial", URL: "zmtp+" + tls, Err: fmt.Errorf("%s: %w", tls, refused)}, "spry: dial zmtp+" + tls + ": connect: connection refused"},
		{&OpError{Op: "dial", URL: "tcp://nowhere:1", Err: fmt.Errorf("tcp://nowhere:1: %w", unknown)}, "spry: dial tcp://nowhere:1: lookup nowhere: no such host"},
		{&OpError{Op: "dial", URL: url, Err: fmt.Errorf("%s: interface eth0: %w", url, refused)}, "spry: dial " + url + ": interface eth0: connect: connection refused"},
		{&OpError{Op: "pipe_down", Peer: "127.0.0.1:1", Err: reset}, "spry: pipe_down (peer 127.0.0.1:1): read: connection reset by peer"},
		{&OpError{Op: "attach", Err: reset}, "spry: attach: " + reset.Error()},
		{&OpError{Op: "dial", URL: url, Err: errors.New("tcp://127.0.0.1:2: no")}, "spry: dial " + url + ": tcp://127.0.0.1:2: no"},
		{&OpError{Op: "send", Err: ErrNoPeer}, "spry: send: no peer is connected"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
