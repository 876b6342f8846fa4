// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/sprymq/spry/transport"
)

// A source identifies the origin of connections before they are authenticated: an IPv4 address, the /64 of an IPv6 address,
// because one machine may have all of it, or the user of a process of this machine.
type source struct {
	ip   netip.Addr
	name string // where there is no IP address
}

// ownPrefix is how many bits of an IPv6 address the network decides on; the peer chooses the rest.
const ownPrefix = 64

// sourceOf returns the source of a link. Links without addresses have a common source.
func sourceOf(link transport.Link) source {
	if c := link.Info().Creds; c != nil && c.UID >= 0 {
		return source{name: "uid " + strconv.Itoa(c.UID)}
	}
	switch a := link.RemoteAddr().(type) {
	case nil:
		return source{}
	case *net.UnixAddr: // the name of the peer's end is the peer's choice, if there is one
		return source{name: a.Network()}
	case interface{ AddrPort() netip.AddrPort }:
		return sourceIP(a.AddrPort().Addr())
	default:
		host, _, err := net.SplitHostPort(a.String())
		if err != nil {
			host = a.String()
		}
		if ip, err := netip.ParseAddr(host); err == nil {
			return sourceIP(ip)
		}
		return source{name: host}
	}
}

func sourceIP(ip netip.Addr) source {
	ip = ip.Unmap()
	if ip.Is6() && !ip.IsLinkLocalUnicast() { // all of a link's neighbours share that prefix
		ip = netip.PrefixFrom(ip, ownPrefix).Masked().Addr()
	}
	return source{ip: ip}
}
