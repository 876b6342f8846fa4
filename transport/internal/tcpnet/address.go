// SPDX-License-Identifier: MIT

// Package tcpnet connects and listens for the transports that run over TCP: tcp, tls+tcp and others. It implements the forms
// of an address, and the options of a connection.
package tcpnet

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sprymq/spry/transport"
)

// maxHost is the longest host name of RFC 1035, in its text form.
const maxHost = 253

// An address is the part of a URL after "://", parsed but with no name resolved.
type address struct {
	network string // as package net calls it: tcp, tcp4 or tcp6
	local   string // dialing: interface or IP address to connect from; empty for any
	source  uint16 // dialing: port to connect from; 0 for any
	host    string // listening: empty for all interfaces
	port    string
	service string // dialing: the name of SRV records, which stands for host and port; host is its domain then
}

// portNumber is the port, which was checked.
func (a address) portNumber() uint16 {
	n, _ := strconv.ParseUint(a.port, 10, 16)
	return uint16(n)
}

// hostPort is the form that package net wants.
func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// parseDial takes apart "host:port", nanomsg's "local;host:port", and libzmq's "local:port;host:port".
func parseDial(u transport.URL) (address, error) {
	a, err := begin(u)
	if err != nil {
		return address{}, err
	}
	target := u.Address
	if local, rest, found := strings.Cut(u.Address, ";"); found {
		target = rest
		if err := a.setLocal(local); err != nil {
			return address{}, malformed(u, err.Error())
		}
	}
	if host, found := strings.CutSuffix(target, ":*"); found {
		return address{}, malformed(u, "a wildcard port is for listening; take the port from the listener's URL, as in "+host+":5555")
	}
	if isService(target) {
		if err := a.setService(target); err != nil {
			return address{}, malformed(u, err.Error())
		}
		return a, nil
	}
	if err := a.setHostPort(target); err != nil {
		return address{}, malformed(u, err.Error())
	}
	switch {
	case a.host == "" || a.host == "*":
		return address{}, malformed(u, "no host to connect to; a wildcard is for listening, so name a host, as in 127.0.0.1:"+a.port)
	case a.port == "0":
		return address{}, malformed(u, "nobody listens on port 0; take the port from the listener's URL")
	}
	if err := a.checkHost(); err != nil {
		return address{}, malformed(u, err.Error())
	}
	return a, nil
}

// isService recognises _service._tcp.domain, which has no port.
func isService(target string) bool {
	return strings.HasPrefix(target, "_") && !strings.ContainsAny(target, ":[]")
}

// setService parses _service._tcp.domain.
func (a *address) setService(s string) error {
	service, rest, _ := strings.Cut(s, ".")
	protocol, domain, _ := strings.Cut(rest, ".")
	if len(service) < 2 || !strings.EqualFold(protocol, "_tcp") || domain == "" {
		return fmt.Errorf("%q is neither host:port nor a service; write a service like _name._tcp.example.com", s)
	}
	a.service, a.host = s, strings.TrimSuffix(domain, ".")
	return checkName(s)
}

// begin parses the beginning of u's address, which must have no user and no parameters. The error does not show text that
// may be a password.
func begin(u transport.URL) (address, error) {
	if strings.Contains(u.Address, "@") {
		return address{}, malformed(u, "there is no user in an address; credentials go into Options.Security")
	}
	_, parameters, err := u.Parameters()
	if err != nil {
		return address{}, wrap(u, err)
	}
	if names := slices.Sorted(maps.Keys(parameters)); len(names) > 0 {
		return address{}, malformed(u, fmt.Sprintf("there is no parameter %.64q; write host:port alone", names[0]))
	}
	return address{network: u.Base()}, nil
}

// setLocal parses the part before the semicolon: an interface or an address, perhaps with a port.
func (a *address) setLocal(s string) error {
	a.local = unbracket(s)
	ip, err := netip.ParseAddr(a.local)
	if colon := strings.LastIndexByte(s, ':'); err != nil && colon >= 0 {
		port, perr := strconv.ParseUint(s[colon+1:], 10, 16)
		if perr != nil {
			return fmt.Errorf("source port %q is not a number from 0 to 65535", s[colon+1:])
		}
		a.local, a.source = unbracket(s[:colon]), uint16(port)
		ip, err = netip.ParseAddr(a.local)
	}
	switch {
	case a.local == "":
		return errors.New("there is nothing before the semicolon; name an interface or a local address, as in eth0;host:port")
	case err == nil:
		return a.checkFamily(ip)
	case strings.ContainsAny(a.local, ":[]"):
		return fmt.Errorf("%q is neither an interface nor an address; put an IPv6 address in brackets, as in [::1]:0;host:port", a.local)
	}
	return nil
}

// parseListen parses "host:port", "*:port", ":port" and "host:*"; for the last, the system chooses the port. [resolveListen]
// decides whether the host is an interface, or else a valid name.
func parseListen(u transport.URL) (address, error) {
	a, err := begin(u)
	if err != nil {
		return address{}, err
	}
	if strings.Contains(u.Address, ";") {
		return address{}, malformed(u, "a listener has one address; write the interface or the address alone, as in eth0:5555")
	}
	target := u.Address
	if isService(target) {
		return address{}, malformed(u, "a service of SRV records is for dialing; to listen, write host:port")
	}
	if host, found := strings.CutSuffix(target, ":*"); found {
		target = host + ":0"
	}
	if err := a.setHostPort(target); err != nil {
		return address{}, malformed(u, err.Error())
	}
	if a.host == "*" {
		a.host = ""
	}
	if ip, err := netip.ParseAddr(a.host); err == nil {
		if err := a.checkFamily(ip); err != nil {
			return address{}, malformed(u, err.Error())
		}
		if a.network == "tcp" && ip == netip.IPv4Unspecified() {
			// Package net listens on both families for 0.0.0.0, but users mean IPv4.
			a.network = "tcp4"
		}
	}
	return a, nil
}

func (a *address) setHostPort(s string) error {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.HasSuffix(s, "]") {
		return fmt.Errorf("%q has no port; write host:port, as in 127.0.0.1:5555", s)
	}
	host, port := s[:colon], s[colon+1:]
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if !bracketed && strings.Contains(host, ":") {
		return fmt.Errorf("%q has too many colons; put an IPv6 address in brackets, as in [::1]:5555", s)
	}
	if bracketed {
		host = unbracket(host)
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return fmt.Errorf("%q is not an IPv6 address; brackets are for those only", host)
		}
	}
	if strings.ContainsAny(host, "[]") {
		return fmt.Errorf("%q has a stray bracket; write an IPv6 address like [::1]:5555", s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	a.host, a.port = host, strconv.FormatUint(n, 10)
	return nil
}

// checkHost refuses a host that is neither an IP address of the right family nor a possible name.
func (a *address) checkHost() error {
	if ip, err := netip.ParseAddr(a.host); err == nil {
		return a.checkFamily(ip)
	}
	return checkName(a.host)
}

func (a *address) checkFamily(ip netip.Addr) error {
	v4 := ip.Unmap().Is4()
	switch {
	case a.network == "tcp4" && !v4:
		return fmt.Errorf("%s is an IPv6 address and the scheme is for IPv4; use the scheme without the 4", ip)
	case a.network == "tcp6" && v4:
		return fmt.Errorf("%s is an IPv4 address and the scheme is for IPv6; use the scheme without the 6", ip)
	}
	return nil
}

// checkName refuses names that the resolver would refuse too, but only after many attempts.
func checkName(host string) error {
	if len(host) > maxHost {
		return fmt.Errorf("the host name has %d bytes, at most %d are allowed", len(host), maxHost)
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%q cannot be a host name", host)
		}
		for _, c := range []byte(label) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			case c >= 0x80:
				return fmt.Errorf("host name %q is not ASCII; write it in its xn-- form", host)
			default:
				return fmt.Errorf("%q cannot be a host name: it has %q", host, c)
			}
		}
	}
	return nil
}

func unbracket(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return s[1 : len(s)-1]
	}
	return s
}

func malformed(u transport.URL, why string) error {
	return wrap(u, fmt.Errorf("%w: %s", transport.ErrURL, why))
}

// wrap names the endpoint in an error that has been decided on.
func wrap(u transport.URL, err error) error { return fmt.Errorf("%s: %w", u.Redacted(), err) }

// errNoAddress says that an interface has no address of the family asked for.
var errNoAddress = errors.New("no address")

// interfaceAddrs returns the addresses of the interface that network admits, IPv4 first, and of IPv6 the
// ones that reach beyond the link first: that is the order in which they are of use.
func interfaceAddrs(ifi *net.Interface, network string) ([]netip.Addr, error) {
	found, err := ifi.Addrs()
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", ifi.Name, err)
	}
	var v4, v6, linkLocal []netip.Addr
	for _, f := range found {
		prefix, err := netip.ParsePrefix(f.String())
		if err != nil {
			continue
		}
		switch ip := prefix.Addr().Unmap(); {
		case ip.Is4():
			v4 = append(v4, ip)
		case ip.IsLinkLocalUnicast():
			linkLocal = append(linkLocal, ip.WithZone(ifi.Name))
		default:
			v6 = append(v6, ip)
		}
	}
	v6 = append(v6, linkLocal...)
	all := append(v4, v6...)
	switch network {
	case "tcp4":
		all = v4
	case "tcp6":
		all = v6
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("interface %s: %w for %s", ifi.Name, errNoAddress, network)
	}
	return all, nil
}
