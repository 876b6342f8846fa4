// SPDX-License-Identifier: MIT

package gateway

import (
	"net/http"
	"net/netip"
	"strings"
)

// Forwarded finds out who sends a request that came through reverse proxies. Its method Client is for Options.Client:
//
//	proxies := gateway.Forwarded{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
//	mux.Handle("/ask", gateway.Ask(req, &gateway.Options{Client: proxies.Client}))
//
// The zero value trusts no proxy: the client is the address of the connection. It is safe for concurrent use; its fields must not
// change once it is in use.
type Forwarded struct {
	// Header is the one to which proxies add the address from which they got the request. Defaults to X-Forwarded-For.
	Header string

	// Trusted are the networks of the proxies. The header is looked at in requests of their connections alone, read from the right: the client
	// is the last address that is not a proxy's. So no client chooses who it is.
	Trusted []netip.Prefix

	// Unix trusts connections over Unix sockets, which have no address.
	Unix bool
}

// Addr returns the address of the client. It is the zero Addr if nothing tells it, as with a Unix socket.
func (f *Forwarded) Addr(r *http.Request) netip.Addr {
	addr := addressIn(r.RemoteAddr)
	if !f.trusts(addr) {
		return addr
	}
	header := f.Header
	if header == "" {
		header = "X-Forwarded-For"
	}
	rest := strings.Join(r.Header.Values(header), ",")
	for rest != "" && f.trusts(addr) {
		at := strings.LastIndexByte(rest, ',')
		before := addressIn(strings.TrimSpace(rest[at+1:]))
		if !before.IsValid() {
			break // its writer is unknown
		}
		addr, rest = before, rest[:max(at, 0)]
	}
	return addr
}

// Client returns the name of the client: its address, or the /64 network of an IPv6 address.
func (f *Forwarded) Client(r *http.Request) string {
	if len(f.Trusted) == 0 && !f.Unix && !strings.Contains(r.RemoteAddr, "[") { // the usual case, without allocating
		host, _, _ := strings.Cut(r.RemoteAddr, ":")
		return host
	}
	ip := f.Addr(r)
	if !ip.IsValid() {
		return r.RemoteAddr // of a Unix socket
	}
	if ip.Is6() {
		if network, err := ip.Prefix(ipv6Network); err == nil {
			return network.String()
		}
	}
	return ip.String()
}

// ipv6Network is the length of the prefix that one customer gets.
const ipv6Network = 64

func (f *Forwarded) trusts(addr netip.Addr) bool {
	if !addr.IsValid() {
		return f.Unix
	}
	for _, network := range f.Trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// addressIn reads an address, with or without a port.
func addressIn(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
