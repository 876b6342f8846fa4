// SPDX-License-Identifier: MIT

package tcpnet

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/transport"
)

// FuzzAddress feeds any address to the parsers. What they take, package net must be able to take apart
// again; what they refuse must be refused as malformed, by its URL without what may be a password.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1:5555", "*:0", ":5555", "[::1]:5555", "[fe80::1%eth0]:1", "eth0;example.com:80", "[::1];[::2]:9",
		"::1;[::2]:9", ";:1", "a:b:c", "[]:1", "[:1", "]:1", "host", "host:", "host:99999", "-a:1", "a..b:1", "a.:1", "x%00:1",
		"user:secret@host:1", "_sp._tcp.example.com", "_sp._tcp.", "eth0;_a._tcp.b", "host:1?x=y", "host:1?token=a%2", "host:1?",
	} {
		f.Add(s, "tcp")
		f.Add(s, "tls+tcp6")
	}
	f.Fuzz(func(t *testing.T, s, scheme string) {
		u, err := transport.ParseURL(scheme + "://" + s)
		if err != nil {
			return
		}
		for _, parse := range []func(transport.URL) (address, error){parseDial, parseListen} {
			a, err := parse(u)
			if err != nil {
				if !errors.Is(err, transport.ErrURL) || !strings.HasPrefix(err.Error(), u.Redacted()) {
					t.Errorf("%q: %v", u, err)
				}
				continue
			}
			if a.service != "" {
				if !strings.HasSuffix(a.service, "."+a.host) && !strings.HasSuffix(a.service, "."+a.host+".") || a.port != "" {
					t.Errorf("%q is the service %q of %q, port %q", u, a.service, a.host, a.port)
				}
				continue
			}
			host, port, err := net.SplitHostPort(a.hostPort())
			if err != nil || host != a.host || port != a.port {
				t.Errorf("%q gives %q, which comes apart as %q, %q, %v", u, a.hostPort(), host, port, err)
			}
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
				t.Errorf("%q has port %q", u, port)
			}
		}
	})
}

func TestHost(t *testing.T) {
	for url, want := range map[string]string{
		"tls+tcp://example.com:1":          "example.com",
		"tls+tcp://[2001:db8::1]:1":        "2001:db8::1",
		"tls+tcp://[fe80::1%eth0]:1":       "fe80::1",
		"tls+tcp://10.0.0.7;example.com:1": "example.com",
		"tls+tcp://_sp._tcp.example.com":   "example.com",
		"tcp://_sp._tcp.example.com.":      "example.com",
	} {
		u, err := transport.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewDialer(u, transport.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Host(); got != want {
			t.Errorf("the host of %s is %q, not %q", url, got, want)
		}
	}
}
