// SPDX-License-Identifier: MIT

package port_test

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/port"
	"github.com/sprymq/spry/zmq"
)

const notFound = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" +
	"Content-Length: 33\r\n\r\nnothing at this port speaks HTTP\n"

// What nobody claims is refused in its own language.
func TestRefusalsInTheirOwnLanguage(t *testing.T) {
	p, serve := open(t, nil)
	p.Claim(port.Protocol{ALPN: []string{"nothing"}})
	serve()
	greeting := func(mechanism string, server byte) string { return testkit.Greeting("\x03\x01", mechanism, server) }
	for i, test := range []struct{ say, want string }{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", notFound},
		{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), notFound},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
			"\x00\x00\x2a\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0dnothing at this port speaks HTTP/2"},
		{"\x16\x03\x01\x00\x05hello", "\x15\x03\x01\x00\x02\x02\x28"},
		{greeting("NULL", 0), greeting("NULL", 0) + testkit.ShortFrame("\x04", "\x05ERROR\x22no socket at this port speaks ZMTP")},
		{greeting("CURVE", 0), greeting("CURVE", 1) + testkit.ShortFrame("\x04", "\x05ERROR\x22no socket at this port speaks ZMTP")},
		{testkit.Greeting("\x01", "", 0)[:12], ""}, // ZMTP 2.0 has no ERROR
		{"\x00SP\x00\x00\x50\x00\x00", ""},
		{"SSH-2.0-a\r\n", ""},
		{"\x00\x00\x00\x00", ""},
	} {
		c := dial(t, p)
		_, err := io.WriteString(c, test.say)
		testkit.Check(t, err)
		got, err := io.ReadAll(c)
		if string(got) != test.want || err != nil && test.want != "" {
			t.Errorf("%.20q is answered %q, %v; want %q", test.say, got, err, test.want)
		}
		c.Close()
		refused(t, p, port.ReasonUnclaimed, uint64(i+1))
	}
}

// A service that needs TLS says so.
func TestRefusalsWithoutTLS(t *testing.T) {
	authority := testcert.NewAuthority(t)
	p, serve := open(t, &port.Config{TLS: authority.Server(t)})
	secure := port.HTTP
	secure.Over = port.TLS
	server(t, p.Claim(secure), http.NotFoundHandler())
	serve()
	got := answer(t, dial(t, p), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade, close\r\n") {
		t.Errorf("without TLS, the answer is %q", got)
	}
	got = answer(t, dial(t, p), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if !strings.Contains(got, "\x00\x00\x00\x0cthis service needs TLS") {
		t.Errorf("without TLS, HTTP/2 is answered %q", got)
	}
	refused(t, p, port.ReasonUnclaimed, 2)
}

// TLS is refused by alerts: a server that is not claimed, a protocol that is not, and a client without a certificate.
func TestAlerts(t *testing.T) {
	authority := testcert.NewAuthority(t)
	config := authority.Server(t)
	p, serve := open(t, &port.Config{TLS: config})
	named := port.HTTP1
	named.ServerNames = []string{"LOCALHOST"}
	server(t, p.Claim(named), http.NotFoundHandler())
	serve()
	type offer struct {
		change func(*tls.Config)
		alert  string
	}
	offers := []offer{
		{func(c *tls.Config) { c.ServerName = "elsewhere.example" }, "unrecognized name"},
		{func(c *tls.Config) { c.ServerName, c.NextProtos = "localhost", []string{"h2"} }, "no application protocol"},
	}
	if !fips140.Enforced() { // then there are no clients of old versions
		offers = append(offers, offer{func(c *tls.Config) {
			c.ServerName, c.MaxVersion = "localhost", tls.VersionTLS11
			c.MinVersion = tls.VersionTLS10
		}, "protocol version not supported"})
	}
	for i, test := range offers {
		client := authority.Client(t, "client")
		client.InsecureSkipVerify = true
		test.change(client)
		err := tls.Client(dial(t, p), client).Handshake()
		if err == nil || !strings.Contains(err.Error(), test.alert) {
			t.Errorf("%s: %v", test.alert, err)
		}
		refused(t, p, port.ReasonSecurity, uint64(i+1))
	}
	// Within TLS, the refusal is in the language of the client too, and TLS ends in order.
	client := authority.Client(t, "client")
	client.ServerName, client.InsecureSkipVerify = "localhost", true
	c := tls.Client(dial(t, p), client)
	if got := answer(t, c, "\x00SP\x00\x00\x50\x00\x00"); got != "" {
		t.Errorf("SP is answered %q", got)
	}
}

// A client of ZeroMQ gives up, and a socket of the Scalability Protocols is closed and dials again.
func TestSocketsAreRefused(t *testing.T) {
	ctx := testkit.Watchdog(t)
	p, serve := open(t, nil)
	server(t, p.Claim(port.HTTP), http.NotFoundHandler())
	serve()
	push := spry.NewPush(nil)
	defer testkit.CloseAll(t, push)
	_, err := push.Dial(ctx, p.URL())
	testkit.Wants(t, err, io.EOF)
	pub := zmq.NewPush(nil)
	defer testkit.CloseAll(t, pub)
	_, err = pub.Dial(ctx, p.URL())
	testkit.Wants(t, err, spry.ErrProtocol, "no socket at this port speaks ZMTP")
}

// A listener that does not accept holds nobody up: beyond its backlog, connections are refused, with an answer that says to come
// again.
func TestFullBacklog(t *testing.T) {
	p, serve := open(t, &port.Config{Backlog: 2, Timeout: time.Hour})
	slow, quick := p.Claim(port.HTTP), p.Claim(port.SP)
	serve()
	dial(t, p) // a silent client
	for range 2 {
		_, err := io.WriteString(dial(t, p), "GET / HTTP/1.1\r\n\r\n")
		testkit.Check(t, err)
	}
	testkit.Eventually(t, "two wait", func() bool { return p.Stats().Waiting == 2 })
	if got := answer(t, dial(t, p), "GET / HTTP/1.1\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n") {
		t.Errorf("the answer is %q", got)
	}
	refused(t, p, port.ReasonOverflow, 1)
	_, err := io.WriteString(dial(t, p), "\x00SP\x00\x00\x50\x00\x00")
	testkit.Check(t, err)
	c, err := quick.Accept()
	testkit.Check(t, err)
	c.Close()

	// Closing the listener closes those that wait, and further ones are refused as those that nobody claims.
	testkit.Check(t, slow.Close())
	testkit.Check(t, slow.Close())
	refused(t, p, port.ReasonClosed, 2)
	if got := answer(t, dial(t, p), "GET / HTTP/1.1\r\n\r\n"); got != notFound {
		t.Errorf("the answer is %q", got)
	}
	if _, err := slow.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}
