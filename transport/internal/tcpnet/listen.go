// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/sprymq/spry/transport"
)

// A Listener accepts the connections of one bound address. It is safe for concurrent use.
type Listener struct {
	url     transport.URL
	network string
	nagle   bool
	zone    string // of a link-local address
	inner   net.Listener
}

// Listen binds the address of u. The scheme of u ends in tcp, tcp4 or tcp6. Errors name u; those of a malformed address wrap
// [transport.ErrURL].
func Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (*Listener, error) {
	a, err := parseListen(u)
	if err != nil {
		return nil, err
	}
	if a, err = resolveListen(u, a); err != nil {
		return nil, err
	}
	config := net.ListenConfig{
		KeepAlive:       o.KeepAlive,
		KeepAliveConfig: KeepAlive(o.KeepAlive),
	}
	inner, err := config.Listen(ctx, a.network, a.hostPort())
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w; port 0 picks a free port", err)
	}
	if err != nil {
		return nil, wrap(u, err)
	}
	l := &Listener{url: u, network: a.network, nagle: o.Nagle, inner: inner}
	if ip, err := netip.ParseAddr(a.host); err == nil {
		l.zone = ip.Zone()
	}
	return l, nil
}

// resolveListen puts an interface's address in the place of its name. Interfaces go before host names, as
// they do with the peers that know them.
func resolveListen(u transport.URL, a address) (address, error) {
	if _, err := netip.ParseAddr(a.host); a.host == "" || err == nil {
		return a, nil
	}
	ifi, err := net.InterfaceByName(a.host)
	if err != nil {
		if err := checkName(a.host); err != nil {
			return address{}, malformed(u, fmt.Sprintf("%v, nor is it an interface here", err))
		}
		return a, nil
	}
	addrs, err := interfaceAddrs(ifi, a.network)
	if err != nil {
		return address{}, wrap(u, err)
	}
	a.host = addrs[0].String()
	return a, nil
}

// Accept waits for the next connection. After Close its error is a [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.inner.Accept()
	if err != nil {
		return nil, wrap(l.url, err)
	}
	Configure(conn, l.nagle)
	return conn, nil
}

// Addr is the bound address: a *net.TCPAddr. Package net makes multipath TCP sockets by default, which do not report the
// zone of a link-local address. Addr therefore restores the requested zone.
func (l *Listener) Addr() net.Addr {
	bound, ok := l.inner.Addr().(*net.TCPAddr)
	if !ok || bound.Zone != "" || !bound.IP.IsLinkLocalUnicast() {
		return l.inner.Addr()
	}
	zoned := *bound
	zoned.Zone = l.zone
	return &zoned
}

// URL is the bound address as a local peer can dial it: a wildcard has become the loopback address.
func (l *Listener) URL() string {
	bound, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return l.url.String()
	}
	return LocalURL(l.url.Scheme, l.network, bound)
}

// LocalURL is the URL by which a local peer can dial a bound address of the network, in which a wildcard is the loopback address.
func LocalURL(scheme, network string, bound *net.TCPAddr) string {
	at := bound.AddrPort()
	ip := at.Addr().Unmap()
	if ip.IsUnspecified() {
		// A wildcard of both families is bound as [::], and IPv4 reaches it.
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if network == "tcp6" {
			ip = netip.IPv6Loopback()
		}
	}
	return transport.URL{Scheme: scheme, Address: netip.AddrPortFrom(ip, at.Port()).String()}.String()
}

// Close stops listening and makes a blocked Accept return.
func (l *Listener) Close() error { return l.inner.Close() }
