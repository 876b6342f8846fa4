// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/inspect"
)

// An issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (i issued) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

func (i issued) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// issue makes a certificate that is valid from and until days from today. by is nil for an authority of its own.
func issue(t *testing.T, name string, from, until int, by *issued, key crypto.Signer, names ...string) issued {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: names,
		NotBefore: today.AddDate(0, 0, from), NotAfter: today.AddDate(0, 0, until),
		IsCA: len(names) == 0, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if len(names) > 0 {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if by == nil {
		by = &issued{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issued{parsed, key}
}

func certificateCases(t *testing.T) map[string]finding {
	t.Helper()
	root := issue(t, "root", -100, 3000, nil, nil)
	between := issue(t, "between", -100, 2000, &root, nil)
	short, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is refused
	if err != nil {
		t.Fatal(err)
	}
	// with returns a machine with a certificate, its key and the authority.
	with := func(leaf issued, chain string) func(m *machine) {
		return func(m *machine) {
			m.plan.Cert, m.plan.Key, m.plan.CACert = "good.pem", "good.key", "ca.pem"
			m.files["good.pem"], m.files["good.key"], m.files["ca.pem"] = leaf.pem()+chain, leaf.keyPEM(t), root.pem()
		}
	}
	good := issue(t, "server", -1, 90, &between, nil, "server.example")
	then := func(first func(*machine), second func(*machine)) func(*machine) {
		return func(m *machine) {
			first(m)
			second(m)
		}
	}
	fine := with(good, between.pem())
	peer := func(cert *inspect.Cert, err error) func(*machine) {
		return func(m *machine) {
			m.plan.Dial = []string{"tls+tcp://a.example:1"}
			m.Inspect = func(context.Context, string) (*inspect.Report, error) { return &inspect.Report{TLS: cert}, err }
		}
	}
	shown := inspect.Cert{Subject: "CN=peer", Issuer: "CN=root", Names: []string{"a.example"}, NotAfter: today.AddDate(0, 0, 90), Verified: true}
	soonOver, unverified := shown, shown
	soonOver.NotAfter = today.AddDate(0, 0, 5)
	unverified.Verified = false
	return map[string]finding{
		"good":             {fine, "certificates.expiry", OK, "server is valid until 2027-03-01"},
		"good chain":       {fine, "certificates.chain", OK, "authorities of --cacert in 2 steps"},
		"good names":       {fine, "certificates.names", OK, "server.example, 127.0.0.1"},
		"good key":         {fine, "certificates.key", OK, "the key of the certificate"},
		"good permissions": {fine, "certificates.permissions", OK, "0600"},
		"good authority":   {fine, "certificates.authorities", OK, "root is valid until"},
		"expired":          {with(issue(t, "old", -9, -1, &between, nil, "x"), between.pem()), "certificates.expiry", Error, "old has expired on 2026-11-30"},
		"expired leads":    {with(issue(t, "old", -9, -1, &between, nil, "x"), between.pem()), "certificates.chain", OK, "2 steps"},
		"expires soon":     {with(issue(t, "late", -9, 10, &between, nil, "x"), between.pem()), "certificates.expiry", Warning, "late expires in 9 days"},
		"not yet":          {with(issue(t, "early", 1, 90, &between, nil, "x"), between.pem()), "certificates.expiry", Error, "valid only from 2026-12-02"},
		"no chain":         {with(good, ""), "certificates.chain", Warning, "unknown authority"},
		"no names":         {with(issue(t, "nameless", -1, 90, &between, nil), between.pem()), "certificates.names", Warning, "no name of a host"},
		"short key":        {with(issue(t, "short", -1, 90, &between, short, "x"), between.pem()), "certificates.key_size", Error, "1024 bits"},
		"wrong key":        {then(fine, func(m *machine) { m.files["good.key"] = between.keyPEM(t) }), "certificates.key", Error, "does not match"},
		"no key":           {then(fine, func(m *machine) { delete(m.files, "good.key") }), "certificates.key", Error, "not exist"},
		"key in the file": {then(fine, func(m *machine) {
			m.plan.Key = ""
			m.files["good.pem"] += good.keyPEM(t)
		}), "certificates.key", OK, "the key of the certificate"},
		"open key": {then(fine, func(m *machine) {
			m.plan.Key, m.files["open.key"] = "open.key", good.keyPEM(t)
		}), "certificates.permissions", Error, "0644: every user"},
		"key of a group": {then(fine, func(m *machine) {
			m.plan.Key, m.files["group.key"] = "group.key", good.keyPEM(t)
		}), "certificates.permissions", Warning, "0660: its group"},
		"no certificate": {then(fine, func(m *machine) { m.files["good.pem"] = good.keyPEM(t) }), "certificates.file", Error, "no certificate in PEM form"},
		"broken": {then(fine, func(m *machine) {
			m.files["good.pem"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}), "certificates.file", Error, "x509"},
		"no file":           {then(fine, func(m *machine) { delete(m.files, "good.pem") }), "certificates.file", Error, "not exist"},
		"no authority":      {then(fine, func(m *machine) { delete(m.files, "ca.pem") }), "certificates.authorities", Error, "not exist"},
		"authority expired": {then(fine, func(m *machine) { m.files["ca.pem"] += issue(t, "gone", -9, -1, nil, nil).pem() }), "certificates.authorities", Error, "gone has expired"},
		"peer":              {peer(&shown, nil), "certificates.peer", OK, "CN=peer, issued by CN=root for a.example, is valid until 2027-03-01"},
		"peer soon":         {peer(&soonOver, nil), "certificates.peer", Warning, "until 2026-12-06"},
		"peer unverified":   {peer(&unverified, nil), "certificates.peer", Error, "is not verified"},
		"peer refused":      {peer(&unverified, errors.New("unknown authority")), "certificates.peer", Error, "is refused: unknown authority"},
		"peer without":      {peer(nil, nil), "certificates.peer", Error, "shows no certificate"},
		"no peer":           {peer(nil, errors.New("refused")), "certificates.peer", Error, "refused"},
	}
}

// Each finding about certificates is found.
func TestCertificates(t *testing.T) {
	checkCases(t, certificateCases(t))
}
