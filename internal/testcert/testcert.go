// SPDX-License-Identifier: MIT

// Package testcert issues TLS certificates for tests.
package testcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// An Authority issues certificates for tests. Nothing outside the test trusts it.
type Authority struct {
	// Pool has the authority's own certificate, for use as trusted roots.
	Pool *x509.CertPool

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// lifetime of every certificate, from an hour ago.
const lifetime = 24 * time.Hour

// NewAuthority makes an authority. It fails the test if it cannot.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	key := newKey(t)
	template := newTemplate(t, "test authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatalf("the test's authority: %v", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("the test's authority: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &Authority{Pool: pool, certificate: certificate, key: key}
}

// CertPEM is the authority's own certificate in PEM, for programs that read it from a file.
func (a *Authority) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Issue makes a certificate with commonName as its subject, for clients and servers. names are the host
// names and IP addresses that it is good for.
func (a *Authority) Issue(t testing.TB, commonName string, names ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := newTemplate(t, commonName)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatalf("the test's certificate for %s: %v", commonName, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Server is a listener's configuration with a certificate for 127.0.0.1, ::1 and localhost. It asks the
// peer for no certificate.
func (a *Authority) Server(t testing.TB) *tls.Config {
	t.Helper()
	return &tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "server", "127.0.0.1", "::1", "localhost")},
		MinVersion:   tls.VersionTLS12,
	}
}

// MutualServer is as Server, and demands a certificate of this authority from the peer.
func (a *Authority) MutualServer(t testing.TB) *tls.Config {
	t.Helper()
	c := a.Server(t)
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = a.Pool
	return c
}

// Client is a dialer's configuration that trusts this authority and has a certificate with commonName.
func (a *Authority) Client(t testing.TB, commonName string) *tls.Config {
	t.Helper()
	return &tls.Config{
		RootCAs:      a.Pool,
		Certificates: []tls.Certificate{a.Issue(t, commonName)},
		MinVersion:   tls.VersionTLS12,
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("the test's key: %v", err)
	}
	return key
}

func newTemplate(t testing.TB, commonName string) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatalf("the test's serial number: %v", err)
	}
	start := time.Now().Add(-time.Hour)
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    start,
		NotAfter:     start.Add(lifetime),
	}
}
