// SPDX-License-Identifier: MIT

package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/sprymq/spry/gateway"
)

func TestForwarded(t *testing.T) {
	proxies := gateway.Forwarded{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	local := gateway.Forwarded{Unix: true}
	other := gateway.Forwarded{Header: "X-Real-IP", Trusted: proxies.Trusted}
	for _, test := range []struct {
		what      string
		by        *gateway.Forwarded
		remote    string
		forwarded []string
		want      string
	}{
		{"no proxy is trusted", &gateway.Forwarded{}, "10.1.1.1:5", []string{"192.0.2.1"}, "10.1.1.1"},
		{"a client that writes the header itself", &proxies, "192.0.2.9:5", []string{"192.0.2.1"}, "192.0.2.9"},
		{"through a proxy", &proxies, "10.1.1.1:5", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a client before the proxy that lies", &proxies, "10.1.1.1:5", []string{"203.0.113.7, 192.0.2.1"}, "192.0.2.1"},
		{"two headers", &proxies, "10.1.1.1:5", []string{"203.0.113.7", "192.0.2.1"}, "192.0.2.1"},
		{"two proxies", &proxies, "10.1.1.1:5", []string{"192.0.2.1,10.2.2.2"}, "192.0.2.1"},
		{"proxies alone", &proxies, "10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"no header", &proxies, "10.1.1.1:5", nil, "10.1.1.1"},
		{"an empty header", &proxies, "10.1.1.1:5", []string{""}, "10.1.1.1"},
		{"no address", &proxies, "10.1.1.1:5", []string{"192.0.2.1, unknown"}, "10.1.1.1"},
		{"a port", &proxies, "10.1.1.1:5", []string{"192.0.2.1:80"}, "192.0.2.1"},
		{"IPv6", &proxies, "[::1]:5", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		{"IPv6 with brackets and a port", &proxies, "[::1]:5", []string{"[2001:db8:1:2:3:4:5:6]:80"}, "2001:db8:1:2::/64"},
		{"IPv6 with brackets", &proxies, "[::1]:5", []string{"[2001:db8::6]"}, "2001:db8::/64"},
		{"IPv4 within IPv6", &proxies, "[::ffff:10.1.1.1]:5", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"a Unix socket", &local, "@", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a Unix socket that is not trusted", &proxies, "@", []string{"192.0.2.1"}, "@"},
		{"another header", &other, "10.1.1.1:5", []string{"192.0.2.1"}, "192.0.2.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.remote
		name := test.by.Header
		if name == "" {
			name = "X-Forwarded-For"
		}
		r.Header[http.CanonicalHeaderKey(name)] = test.forwarded
		if got := test.by.Client(r); got != test.want {
			t.Errorf("%s: %s", test.what, got)
		}
	}
}

// An answer that asks for credentials says which.
func TestUnauthorized(t *testing.T) {
	refuse := func(*http.Request) error {
		return &gateway.StatusError{Status: http.StatusUnauthorized, Text: "a token, please"}
	}
	s := serve(t, gateway.Send(nil, &gateway.Options{Authorize: refuse}))
	got := post(t, s.URL, "x")
	if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v, WWW-Authenticate %q", got, got.header.Get("WWW-Authenticate"))
	}
}
