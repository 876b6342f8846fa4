// SPDX-License-Identifier: MIT

package kit

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

// An Identity is a certificate with its key, for Go and as PEM files for others.
type Identity struct {
	pair              tls.Certificate
	CertFile, KeyFile string
}

// Credentials are the certificates for tests of tls+tcp: an authority, and certificates that it signed.
type Credentials struct {
	Authority      *testcert.Authority
	AuthorityFile  string
	Server, Client Identity
}

// config is Spry's own end; mutual adds the client's certificate and the demand for it.
func (c *Credentials) config(listening, mutual bool) *tls.Config {
	if listening {
		config := &tls.Config{Certificates: []tls.Certificate{c.Server.pair}}
		if mutual {
			config.ClientCAs, config.ClientAuth = c.Authority.Pool, tls.RequireAndVerifyClientCert
		}
		return config
	}
	config := &tls.Config{RootCAs: c.Authority.Pool, ServerName: "localhost"}
	if mutual {
		config.Certificates = []tls.Certificate{c.Client.pair}
	}
	return config
}

// Config is a configuration for a peer in Go.
func (c *Credentials) Config(listening bool) *tls.Config { return c.config(listening, false) }

// Certificates returns the credentials of this run.
func Certificates(t *testing.T) *Credentials {
	t.Helper()
	makeCredentials.Do(func() { credentials = newCredentials(t) })
	if credentials == nil {
		t.Fatal("an earlier test could not make the certificates")
	}
	return credentials
}

var (
	makeCredentials sync.Once
	credentials     *Credentials
)

func newCredentials(t *testing.T) *Credentials {
	a := testcert.NewAuthority(t)
	return &Credentials{
		Authority: a, AuthorityFile: testcert.File(t, filepath.Join(Scratch, "ca.pem"), a.CertPEM()),
		Server: newIdentity(t, a, "localhost"), Client: newIdentity(t, a, "client"),
	}
}

func newIdentity(t *testing.T, a *testcert.Authority, name string) Identity {
	pair := a.IssueWith(t, nil, name, func(c *x509.Certificate) {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		c.DNSNames = []string{name, "127.0.0.1"} // mbedTLS 2 compares an IP address with DNS names only
	})
	cert, key := testcert.PEM(t, pair)
	return Identity{
		pair:     pair,
		CertFile: testcert.File(t, filepath.Join(Scratch, name+"-cert.pem"), cert),
		KeyFile:  testcert.File(t, filepath.Join(Scratch, name+"-key.pem"), key),
	}
}
