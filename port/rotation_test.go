// SPDX-License-Identifier: MIT

package port_test

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/port"
)

// A port takes new certificates and authorities while it runs, and names the protocols of its claims all the same.
func TestPortRotatesCertificates(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	change := func(name string) *testcert.Authority {
		a := testcert.NewAuthority(t)
		cert, key := testcert.PEM(t, a.Issue(t, name, "localhost"))
		testcert.File(t, file("key"), key)
		testcert.File(t, file("cert"), cert)
		testcert.File(t, file("ca"), a.CertPEM())
		return a
	}
	before := change("before")
	source, err := certs.Load(certs.Files{Cert: file("cert"), Key: file("key"), Authorities: file("ca")})
	testkit.Check(t, err)
	p, serve := open(t, &port.Config{TLS: source.Server()})
	server(t, p.Claim(port.HTTP), http.NotFoundHandler())
	serve()
	look := func(a *testcert.Authority, want string) {
		t.Helper()
		client := a.Client(t, "client")
		client.ServerName, client.NextProtos = "localhost", []string{"http/1.1"}
		c := tls.Client(dial(t, p), client)
		defer c.Close()
		testkit.Check(t, c.HandshakeContext(t.Context()))
		if s := c.ConnectionState(); s.PeerCertificates[0].Subject.CommonName != want || s.NegotiatedProtocol != "http/1.1" {
			t.Errorf("the certificate is that of %s, the protocol %q", s.PeerCertificates[0].Subject.CommonName, s.NegotiatedProtocol)
		}
	}
	look(before, "before")
	after := change("after")
	testkit.Check(t, source.Reload())
	look(after, "after")
}
