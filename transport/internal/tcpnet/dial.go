// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
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
	resolver
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
	return &Dialer{url: u, address: a, options: o, resolver: net.DefaultResolver}, nil
}

// Host is the host of the URL without brackets and zone, as a certificate of the peer should name it.
func (d *Dialer) Host() string {
	host, _, _ := strings.Cut(d.address.host, "%")
	return host
}

// Dial looks the name up and connects to one of its addresses; all of them are raced. Errors name the URL.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, wrap(d.url, err)
	}
	Configure(conn, d.options.Nagle)
	return conn, nil
}

func (d *Dialer) dial(ctx context.Context) (net.Conn, error) {
	if dial := d.options.DialContext; dial != nil {
		servers, err := d.servers(ctx)
		if err != nil {
			return nil, err
		}
		var failed attemptErrors
		for _, s := range servers { // in this goroutine: sockets recover from panics of the user's code
			conn, err := dial(ctx, d.address.network, s.String())
			if err == nil {
				return conn, nil
			}
			failed = append(failed, err)
		}
		return nil, failed.joined()
	}
	routes, err := d.routes(ctx)
	if err != nil {
		return nil, err
	}
	return race(ctx, routes, d.connect)
}

// connect makes one attempt by one route.
func (d *Dialer) connect(ctx context.Context, r route) (net.Conn, error) {
	dialer := net.Dialer{
		KeepAlive:       d.options.KeepAlive,
		KeepAliveConfig: KeepAlive(d.options.KeepAlive),
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
	return dialer.DialContext(ctx, d.address.network, r.to.String())
}

// KeepAlive turns the option into what package net wants: 0 is its own default of 15 s.
func KeepAlive(d time.Duration) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: d >= 0, Idle: d, Interval: d}
}

// localBuffer limits the kernel's send buffer of a connection within the machine. By default the kernel buffers megabytes,
// which have left the processor's cache when the receiver reads them. BenchmarkPipeline shows the cost.
const localBuffer = 192 << 10

// Configure changes package net's defaults for a connection over TCP; others stay as they are. A failure means that the connection has ended already, which the first read
// reports better.
func Configure(conn net.Conn, nagle bool) {
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
