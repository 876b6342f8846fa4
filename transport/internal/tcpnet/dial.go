// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/sprymq/spry/transport"
)

// A Dialer connects to one address. It is safe for concurrent use.
type Dialer struct {
	url     transport.URL
	address address
	options transport.DialOptions
}

// NewDialer checks the address of u. The scheme of u ends in tcp, tcp4 or tcp6. Errors wrap [transport.ErrURL] and name u.
func NewDialer(u transport.URL, o transport.DialOptions) (*Dialer, error) {
	a, err := parseDial(u)
	if err != nil {
		return nil, err
	}
	if a.local != "" && o.DialContext != nil {
		return nil, malformed(u, "DialContext chooses where connections come from; leave out "+a.local+"; or DialContext")
	}
	return &Dialer{url: u, address: a, options: o}, nil
}

// Host is the host of the URL without brackets and zone, as a certificate of the peer should name it.
func (d *Dialer) Host() string {
	host, _, _ := strings.Cut(d.address.host, "%")
	return host
}

// Dial makes one attempt over all addresses that the host has now. Errors name the URL.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, wrap(d.url, err)
	}
	configure(conn, d.options.Nagle)
	return conn, nil
}

func (d *Dialer) dial(ctx context.Context) (net.Conn, error) {
	if d.options.DialContext != nil {
		return d.options.DialContext(ctx, d.address.network, d.address.hostPort())
	}
	routes, err := d.routes()
	if err != nil {
		return nil, err
	}
	// Package net pairs a local address with targets of its own family only, so an interface that has
	// addresses of both families is worth two tries.
	var failed []error
	for _, r := range routes {
		dialer := net.Dialer{
			KeepAlive:       d.options.KeepAlive,
			KeepAliveConfig: keepAlive(d.options.KeepAlive),
		}
		switch {
		case r.from.IsValid():
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.from, d.address.source))
		case d.address.source != 0:
			dialer.LocalAddr = &net.TCPAddr{Port: int(d.address.source)}
		}
		if d.address.source != 0 {
			dialer.Control = reuseAddress
		}
		conn, err := dialer.DialContext(ctx, d.address.network, r.to)
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failed...)
}

// A route is a way to the target.
type route struct {
	from netip.Addr // the zero Addr is any
	to   string     // host and port
}

// routes are the ways to connect, at most one of a family. An interface is looked up for every attempt, because it may come,
// go, and change its addresses.
func (d *Dialer) routes() ([]route, error) {
	to := d.address.hostPort()
	switch d.address.local {
	case "", "*":
		return []route{{to: to}}, nil
	}
	if ip, err := netip.ParseAddr(d.address.local); err == nil {
		return []route{{ip, to}}, nil
	}
	ifi, err := net.InterfaceByName(d.address.local)
	if err != nil {
		return nil, fmt.Errorf("no interface and no IP address is called %q: %w", d.address.local, err)
	}
	all, err := interfaceAddrs(ifi, d.address.network)
	if err != nil {
		return nil, err
	}
	target, err := netip.ParseAddr(d.address.host)
	literal := err == nil
	linkLocal := literal && target.Is6() && target.IsLinkLocalUnicast()
	if linkLocal && target.Zone() == "" { // the address is on the interface's link
		to = net.JoinHostPort(target.WithZone(ifi.Name).String(), d.address.port)
	}
	var chosen []route
	for _, ip := range all {
		switch {
		case literal && ip.Is4() != target.Unmap().Is4():
		case linkLocal && !ip.IsLinkLocalUnicast():
		case len(chosen) > 0 && chosen[len(chosen)-1].from.Is4() == ip.Is4():
		default:
			chosen = append(chosen, route{ip, to})
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("interface %s: %w that reaches %s", ifi.Name, errNoAddress, target)
	}
	return chosen, nil
}

// keepAlive turns the option into what package net wants: 0 is its own default of 15 s.
func keepAlive(d time.Duration) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: d >= 0, Idle: d, Interval: d}
}

// localBuffer limits the kernel's send buffer of a connection within the machine. By default the kernel buffers megabytes,
// which have left the processor's cache when the receiver reads them. BenchmarkPipeline shows the cost.
const localBuffer = 192 << 10

// configure changes package net's defaults. A failure means that the connection has ended already, which the first read
// reports better.
func configure(conn net.Conn, nagle bool) {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if nagle {
		_ = c.SetNoDelay(false)
	}
	if local(c) {
		_ = c.SetWriteBuffer(localBuffer)
	}
}

// local reports whether both ends are on this machine.
func local(c *net.TCPConn) bool {
	near, ok1 := c.LocalAddr().(*net.TCPAddr)
	far, ok2 := c.RemoteAddr().(*net.TCPAddr)
	return ok1 && ok2 && (far.IP.IsLoopback() || far.IP.Equal(near.IP))
}
