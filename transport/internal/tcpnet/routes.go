// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// A resolver looks up names. It is [net.DefaultResolver], except in tests.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// maxServers limits the servers of one service, so that a response cannot make a dial arbitrarily long.
const maxServers = 32

// A server is a host, by name or address, and a port.
type server struct {
	host string
	port uint16
}

func (s server) String() string { return net.JoinHostPort(s.host, strconv.Itoa(int(s.port))) }

// servers returns the target of the URL or, if that is a service, the servers that DNS has for it now: by priority, and
// within one in random order by weight.
func (d *Dialer) servers(ctx context.Context) ([]server, error) {
	if d.address.service == "" {
		return []server{{d.address.host, d.address.portNumber()}}, nil
	}
	_, records, err := d.resolver.LookupSRV(ctx, "", "", d.address.service)
	if err != nil {
		return nil, err
	}
	var all []server
	for _, r := range records[:min(len(records), maxServers)] {
		if host := strings.TrimSuffix(r.Target, "."); host != "" && r.Port != 0 { // "." says that there is no such service
			all = append(all, server{host, r.Port})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no servers: its SRV records name none", d.address.service)
	}
	return all, nil
}

// A route is a way to connect.
type route struct {
	from netip.Addr // the zero Addr is any
	to   netip.AddrPort
}

// routes are the ways to connect, the best first. Names and interfaces are looked up for every attempt, because their
// addresses change.
func (d *Dialer) routes(ctx context.Context) ([]route, error) {
	from, err := d.origins()
	if err != nil {
		return nil, err
	}
	servers, err := d.servers(ctx)
	if err != nil {
		return nil, err
	}
	var all []route
	var failed attemptErrors
	for _, s := range servers {
		ips, err := d.resolve(ctx, s.host)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, ip := range ips {
			if origin, ok := from.to(ip); ok {
				if origin.Zone() != "" && ip.Zone() == "" && ip.IsLinkLocalUnicast() { // the address is on the interface's link
					ip = ip.WithZone(origin.Zone())
				}
				all = append(all, route{origin, netip.AddrPortFrom(ip, s.port)})
			}
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case len(failed) > 0:
		return nil, failed.joined()
	}
	return nil, fmt.Errorf("%s: %w that reaches %s", d.address.local, errNoAddress, servers[0].host)
}

// resolve returns the addresses of a host, which may be one itself. The families alternate, in the order of RFC 8305: so a
// family that does not work costs one attempt's delay.
func (d *Dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	family := strings.Replace(d.address.network, "tcp", "ip", 1)
	ips, err := d.resolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: errNoAddress.Error(), Name: host, IsNotFound: true}
	}
	var first, second []netip.Addr
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() == ips[0].Unmap().Is4() {
			first = append(first, ip)
		} else {
			second = append(second, ip)
		}
	}
	mixed := make([]netip.Addr, 0, len(ips))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(second) {
			mixed = append(mixed, second[i])
		}
	}
	return mixed, nil
}

// origins are the local addresses to connect from; none means any.
type origins struct {
	ips []netip.Addr
	any bool
}

// origins returns the local addresses that the URL asks for.
func (d *Dialer) origins() (origins, error) {
	switch d.address.local {
	case "", "*":
		return origins{any: true}, nil
	}
	if ip, err := netip.ParseAddr(d.address.local); err == nil {
		return origins{ips: []netip.Addr{ip}}, nil
	}
	ifi, err := net.InterfaceByName(d.address.local)
	if err != nil {
		return origins{}, fmt.Errorf("no interface and no IP address is called %q: %w", d.address.local, err)
	}
	ips, err := interfaceAddrs(ifi, d.address.network)
	return origins{ips: ips}, err
}

// to returns the first origin that can reach an address.
func (o origins) to(ip netip.Addr) (from netip.Addr, ok bool) {
	for _, from := range o.ips {
		if from.Unmap().Is4() == ip.Is4() && (!ip.IsLinkLocalUnicast() || ip.Is4() || from.IsLinkLocalUnicast()) {
			return from, true
		}
	}
	return netip.Addr{}, o.any
}
