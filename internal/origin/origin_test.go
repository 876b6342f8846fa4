// SPDX-License-Identifier: MIT

package origin

import (
	"net"
	"testing"
)

// Which pages are answered by a program at a loopback address, by one at another address, and by one whose name is listed.
func TestAllowed(t *testing.T) {
	loopback, lan := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for _, c := range []struct {
		name    string
		hosts   []string
		origins []string
		host    string
		local   net.Addr
		allowed bool
	}{
		{"program", nil, nil, "127.0.0.1:80", loopback, true},
		{"program without a host", nil, nil, "", loopback, true},
		{"own page", nil, []string{"http://localhost:80"}, "localhost:80", loopback, true},
		{"own page of IPv6", nil, []string{"http://[::1]:80"}, "[::1]:80", &net.TCPAddr{IP: net.IPv6loopback}, true},
		{"rebound name", nil, nil, "evil.example", loopback, false},
		{"rebound name with its page", nil, []string{"http://evil.example:80"}, "evil.example:80", loopback, false},
		{"name that looks like this machine", nil, nil, "localhost.evil.example", loopback, false},
		{"other page", nil, []string{"http://evil.example"}, "localhost:80", loopback, false},
		{"other port", nil, []string{"http://localhost:81"}, "localhost:80", loopback, false},
		{"sandbox", nil, []string{"null"}, "localhost:80", loopback, false},
		{"two pages", nil, []string{"http://localhost:80", "http://localhost:80"}, "localhost:80", loopback, false},
		{"listed name", []string{"dash.example"}, nil, "Dash.example:80", loopback, true},
		{"listed address", []string{"192.0.2.7"}, nil, "192.0.2.7", loopback, true},
		{"page of a listed name", []string{"dash.example"}, []string{"http://dash.example"}, "dash.example", loopback, true},
		{"other page, listed name", []string{"dash.example"}, []string{"http://evil.example"}, "dash.example", loopback, false},
		{"not listed", []string{"dash.example"}, nil, "evil.example", loopback, false},
		{"network", nil, nil, "host.example", lan, true},
		{"network, own page", nil, []string{"https://host.example"}, "host.example", lan, true},
		{"network, other page", nil, []string{"https://evil.example"}, "host.example", lan, false},
		{"Unix socket", nil, nil, "localhost", &net.UnixAddr{Name: "/x"}, true},
	} {
		if err := Allowed(c.hosts, c.origins, c.host, c.local); (err == nil) != c.allowed {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
