// SPDX-License-Identifier: MIT

package sprytest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
)

// A Host is a machine of a [Net]. As a [transport.Transport] it takes the place of tcp, tls+tcp and ipc: programs of the host use URLs
// as they do elsewhere, with the names of hosts. Addresses of 127.0.0.1, ::1 and localhost, and names of ipc, are the host's own.
// Unknown names fail as those of DNS do. Names of SRV records, interfaces and source addresses are refused.
//
// For WebSocket and HTTP, programs listen by [Host.ListenTCP] and dial by [Host.DialContext].
type Host struct {
	net    *Net
	name   string
	inproc *spry.Network
}

var _ transport.Transport = (*Host)(nil)

// Name is the host's first name.
func (h *Host) Name() string { return h.name }

// String is the name.
func (h *Host) String() string { return h.name }

// Options returns options for the sockets of a program that runs on the host: Transports is the host alone, and Network is the host's
// own. A program with options of its own sets these two.
func (h *Host) Options() spry.Options {
	return spry.Options{Transports: []transport.Transport{h}, Network: h.inproc}
}

// To is the direction from this host to another. To itself it is that of its own connections.
func (h *Host) To(other *Host) Route { return Route{from: h, to: other} }

// Links returns the links of the host with others, or with all if there are none, in both directions.
func (h *Host) Links(others ...*Host) []*Link {
	return slices.DeleteFunc(h.net.Links(), func(l *Link) bool {
		a, b := l.Hosts()
		if b == h {
			a, b = b, a
		}
		return a != h || len(others) > 0 && !slices.Contains(others, b)
	})
}

// PowerOff lets the host vanish: calls on its connections fail, and the other ends hear nothing any more, and no end. Dials to it wait
// until their time is over. The test closes the programs of the host, as they have ended.
func (h *Host) PowerOff() {
	h.net.note("%s has no power", h.name)
	h.net.sim.PowerOff(h.name)
}

// PowerOn brings the host back. It knows nothing of its earlier connections: where the other end still has one, which is half open
// then, it answers the next bytes with a reset. The test starts the programs of the host again.
func (h *Host) PowerOn() {
	h.net.note("%s has power again", h.name)
	h.net.sim.PowerOn(h.name)
}

// errNoName is what the resolver of package net says.
func errNoName(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, Server: "sprytest", IsNotFound: true}
}

// lookUp returns the host with a name, and whether the name means a host's own network.
func (h *Host) lookUp(name string) (at *Host, loopback bool, err error) {
	if isLoopback(name) {
		return h, true, nil
	}
	h.net.mu.Lock()
	at = h.net.names[strings.ToLower(strings.TrimSuffix(name, "."))]
	h.net.mu.Unlock()
	if at == nil {
		return nil, false, errNoName(name)
	}
	return at, false, nil
}

func isLoopback(name string) bool {
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback() || strings.EqualFold(name, "localhost")
}

// The keys of addresses in the simulated network. Those that only the host itself reaches begin with its name too.

func (h *Host) public(port string) string { return net.JoinHostPort(h.name, port) }

func (h *Host) own(port string) string { return h.name + "/" + net.JoinHostPort("127.0.0.1", port) }

func (h *Host) file(name string) string { return h.name + "/ipc:" + name }

// DialContext connects to an address as that of [net.Dialer] does. network is tcp, tcp4, tcp6 or unix. It suits http.Transport.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, key, err := h.target(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	conn, err := h.net.sim.DialHost(ctx, h.name, to.name, key)
	if err != nil {
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			err = os.NewSyscallError("connect", err)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: name{network, address}, Err: err}
	}
	return conn, nil
}

// target is the host with an address, and the key of that.
func (h *Host) target(network, address string) (to *Host, key string, err error) {
	switch network {
	case "unix":
		return h, h.file(address), nil
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, "", net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", err
	}
	to, loopback, err := h.lookUp(host)
	if err != nil {
		return nil, "", err
	}
	if key = to.own(port); loopback && h.net.sim.Listens(key) {
		return to, key, nil
	}
	return to, to.public(port), nil
}

// ListenTCP listens at an address of the host, such as ":8080" or "server:8080". Port 0 is a free one. A listener at 127.0.0.1 or
// localhost is for the host alone.
func (h *Host) ListenTCP(address string) (net.Listener, error) {
	l, err := h.listenTCP(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: name{"tcp", address}, Err: err}
	}
	return l, nil
}

// Ports that port 0 stands for.
const firstPort, lastPort = 49152, 65535

func (h *Host) listenTCP(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	key := h.public
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		at, loopback, err := h.lookUp(host)
		if err == nil && at != h {
			err = syscall.EADDRNOTAVAIL
		}
		if err != nil {
			return nil, err
		}
		if loopback {
			key = h.own
		}
	}
	if port != "0" {
		return h.net.sim.ListenHost(key(port))
	}
	for n := firstPort; n <= lastPort; n++ {
		if l, err := h.net.sim.ListenHost(key(strconv.Itoa(n))); err == nil {
			return l, nil
		}
	}
	return nil, syscall.EADDRINUSE
}

// A name is an address of package net.
type name struct{ network, address string }

func (n name) Network() string { return n.network }
func (n name) String() string  { return n.address }
