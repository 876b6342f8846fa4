// SPDX-License-Identifier: MIT

// Package origin tells requests of web pages that may be answered from those that may not: of pages of other hosts, and of names that were
// made to lead to this machine (DNS rebinding).
package origin

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Allowed returns an error if a request is of a page that may not be answered: one of another host, or of a host other than this machine
// if it came to a loopback address. hosts are further names of this machine, without ports. Unlike Check, it also looks at requests
// without an origin: browsers send none for what a page gets from its own host.
func Allowed(hosts, origins []string, host string, local net.Addr) error {
	if slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, nameOf(host)) }) {
		local = nil // the name is known
	}
	if err := CheckHost(host, local); err != nil {
		return err
	}
	return Check(origins, host, local)
}

// Check returns an error if a request for a WebSocket comes from a web page of another host than the one that it asks for. So it
// does if the name of that host was made to lead to this machine. origins are the lines of the header: a browser sends one, and other
// programs none. local is the address that the request came to.
func Check(origins []string, host string, local net.Addr) error {
	if len(origins) == 0 {
		return nil
	}
	u, err := url.Parse(origins[0])
	if len(origins) > 1 || err != nil || u.Host == "" || !strings.EqualFold(u.Host, host) {
		return fmt.Errorf("pages of the origin %.100q may not connect to the host %.100q", origins[0], host)
	}
	return CheckHost(host, local)
}

// CheckHost returns an error if a request came to a loopback address under the name of another host. A page of that host may have sent it,
// whose name was made to lead to this machine. Requests without a host are of no browser.
func CheckHost(host string, local net.Addr) error {
	if host != "" && isLoopback(local) && !namesLoopback(host) {
		return fmt.Errorf("the host %.100q is not this machine, which the request came to", host)
	}
	return nil
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// nameOf is a host without its port.
func nameOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func namesLoopback(host string) bool {
	host = nameOf(host)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
