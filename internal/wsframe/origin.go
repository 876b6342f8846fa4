// SPDX-License-Identifier: MIT

package wsframe

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// CheckOrigin returns an error if a request for a WebSocket comes from a web page of another host than the one that it asks for. So it
// does if the name of that host was made to lead to this machine. origins are the lines of the header: a browser sends one, and other
// programs none. local is the address that the request came to.
func CheckOrigin(origins []string, host string, local net.Addr) error {
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

func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
