// SPDX-License-Identifier: MIT

// Package testcert issues TLS certificates for tests.
package testcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // of a certificate that must be refused
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"testing"
	"time"
)

// An Authority issues certificates for tests. Nothing outside the test trusts it.
//
// Its functions fail the test that is passed to them, or panic if that is nil.
type Authority struct {
	// Pool has the authority's own certificate, for use as trusted roots.
	Pool *x509.CertPool

	certificate *x509.Certificate
	key         crypto.Signer
}

// lifetime of every certificate, from an hour ago.
const lifetime = 24 * time.Hour

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	helper(t)
	return NewAuthorityWith(t, func(*x509.Certificate) {})
}

// NewAuthorityWith is NewAuthority with another certificate: change may alter its template.
func NewAuthorityWith(t testing.TB, change func(*x509.Certificate)) *Authority {
	helper(t)
	key := newKey(t)
	template := newTemplate(t, "test authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	certificate, err := x509.ParseCertificate(der)
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &Authority{Pool: pool, certificate: certificate, key: key}
}

// Issue makes a certificate with commonName as its subject, for clients and servers. names are the host
// names and IP addresses that it is good for.
func (a *Authority) Issue(t testing.TB, commonName string, names ...string) tls.Certificate {
	helper(t)
	return a.IssueWith(t, nil, commonName, func(c *x509.Certificate) { setNames(c, names) })
}

// IssueWith makes a certificate for a key, or for a new one if key is nil. change may alter its template, which has no names.
func (a *Authority) IssueWith(t testing.TB, key crypto.Signer, commonName string, change func(*x509.Certificate)) tls.Certificate {
	helper(t)
	if key == nil {
		key = newKey(t)
	}
	template := newTemplate(t, commonName)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	check(t, err)
	leaf, err := x509.ParseCertificate(der)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// SelfSigned makes a certificate that is its own authority.
func SelfSigned(t testing.TB, names ...string) tls.Certificate {
	helper(t)
	a := NewAuthorityWith(t, func(c *x509.Certificate) {
		c.KeyUsage |= x509.KeyUsageDigitalSignature
		setNames(c, names)
	})
	return tls.Certificate{Certificate: [][]byte{a.certificate.Raw}, PrivateKey: a.key, Leaf: a.certificate}
}

// NewSHA1Certificate makes a certificate that the authority has signed with SHA-1, which crypto/x509 no longer does.
func NewSHA1Certificate(t testing.TB, a *Authority, commonName string, names ...string) tls.Certificate {
	helper(t)
	c := a.Issue(t, commonName, names...)
	var outer struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	_, err := asn1.Unmarshal(c.Certificate[0], &outer)
	check(t, err)
	// ecdsa-with-SHA1 in place of ecdsa-with-SHA256, whose encodings are of different lengths.
	var inner []asn1.RawValue
	_, err = asn1.Unmarshal(outer.TBS.FullBytes, &inner)
	check(t, err)
	outer.Algorithm = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}}
	algorithm, err := asn1.Marshal(outer.Algorithm)
	check(t, err)
	inner[2] = asn1.RawValue{FullBytes: algorithm}
	tbs, err := asn1.Marshal(inner)
	check(t, err)
	outer.TBS = asn1.RawValue{FullBytes: tbs}
	sum := sha1.Sum(tbs)
	signature, err := a.key.Sign(rand.Reader, sum[:], crypto.SHA1)
	check(t, err)
	outer.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err := asn1.Marshal(outer)
	check(t, err)
	leaf, err := x509.ParseCertificate(der)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.PrivateKey, Leaf: leaf}
}

// Server is a listener's configuration with a certificate for 127.0.0.1, ::1 and localhost. It asks the
// peer for no certificate.
func (a *Authority) Server(t testing.TB) *tls.Config {
	helper(t)
	return &tls.Config{
		Certificates: []tls.Certificate{a.Issue(t, "server", "127.0.0.1", "::1", "localhost")},
		MinVersion:   tls.VersionTLS12,
	}
}

// MutualServer is as Server, and demands a certificate of this authority from the peer.
func (a *Authority) MutualServer(t testing.TB) *tls.Config {
	helper(t)
	c := a.Server(t)
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = a.Pool
	return c
}

// Client is a dialer's configuration that trusts this authority and has a certificate with commonName.
func (a *Authority) Client(t testing.TB, commonName string) *tls.Config {
	helper(t)
	return &tls.Config{
		RootCAs:      a.Pool,
		Certificates: []tls.Certificate{a.Issue(t, commonName)},
		MinVersion:   tls.VersionTLS12,
	}
}

func setNames(c *x509.Certificate, names []string) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
}

func newKey(t testing.TB) crypto.Signer {
	helper(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func newTemplate(t testing.TB, commonName string) *x509.Certificate {
	helper(t)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	check(t, err)
	start := time.Now().Add(-time.Hour)
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    start,
		NotAfter:     start.Add(lifetime),
	}
}

func helper(t testing.TB) {
	if t != nil {
		t.Helper()
	}
}

func check(t testing.TB, err error) {
	helper(t)
	switch {
	case err == nil:
	case t == nil:
		panic(err) //nolint:forbidigo // in tests, where there is none to fail
	default:
		t.Fatalf("the test's certificates: %v", err)
	}
}
