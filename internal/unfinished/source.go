// SPDX-License-Identifier: MIT

package unfinished

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/sprymq/spry/transport"
)

// A Source identifies the origin of connections before they are authenticated: an IPv4 address, the /64 of an IPv6 address,
// because one machine may have all of it, or the user of a process of this machine.
type Source struct {
	ip   netip.Addr
	name string // where there is no IP address
}

// ownPrefix is how many bits of an IPv6 address the network decides on; the peer chooses the rest.
const ownPrefix = 64

// SourceOf returns the source of connections from an address, by a process with these credentials, if they are not nil.
// Connections without an address have a common source.
func SourceOf(remote net.Addr, c *transport.Creds) Source {
	if c != nil && c.UID >= 0 {
		return Source{name: "uid " + strconv.Itoa(c.UID)}
	}
	switch a := remote.(type) {
	case nil:
		return Source{}
	case *net.UnixAddr: // the name of the peer's end is the peer's choice, if there is one
		return Source{name: a.Network()}
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
		return Source{name: host}
	}
}

func sourceIP(ip netip.Addr) Source {
	ip = ip.Unmap()
	if ip.Is6() && !ip.IsLinkLocalUnicast() { // all of a link's neighbours share that prefix
		ip = netip.PrefixFrom(ip, ownPrefix).Masked().Addr()
	}
	return Source{ip: ip}
}
