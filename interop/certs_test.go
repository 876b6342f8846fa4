// SPDX-License-Identifier: MIT

package interop_test

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
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// An identity is a certificate with its key, for Go and as PEM files for others.
type identity struct {
	pair              tls.Certificate
	certFile, keyFile string
}

// credentials are what the tests of tls+tcp use: an authority, and what it signed.
type credentials struct {
	authority      *x509.CertPool
	authorityFile  string
	server, client identity
}

// config is Spry's own end; mutual adds the client's certificate and the demand for it.
func (c *credentials) config(listening, mutual bool) *tls.Config {
	if listening {
		config := &tls.Config{Certificates: []tls.Certificate{c.server.pair}}
		if mutual {
			config.ClientCAs, config.ClientAuth = c.authority, tls.RequireAndVerifyClientCert
		}
		return config
	}
	config := &tls.Config{RootCAs: c.authority, ServerName: "localhost"}
	if mutual {
		config.Certificates = []tls.Certificate{c.client.pair}
	}
	return config
}

var makeCredentials = sync.OnceValues(newCredentials)

// certificates returns the credentials of this run.
func certificates(t *testing.T) *credentials {
	t.Helper()
	c, err := makeCredentials()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCredentials() (*credentials, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := template(1, "authority of the interop tests")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	c := &credentials{authority: x509.NewCertPool(), authorityFile: filepath.Join(scratch, "ca.pem")}
	c.authority.AddCert(ca)
	if err := writePEM(c.authorityFile, "CERTIFICATE", der); err != nil {
		return nil, err
	}
	if c.server, err = newIdentity("localhost", 2, ca, key); err != nil {
		return nil, err
	}
	c.client, err = newIdentity("client", 3, ca, key)
	return c, err
}

func newIdentity(name string, serial int64, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	leaf := template(serial, name)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.DNSNames = []string{name, "127.0.0.1"} // mbedTLS 2 compares an IP address with DNS names only
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return identity{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return identity{}, err
	}
	id := identity{
		pair:     tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		certFile: filepath.Join(scratch, name+"-cert.pem"),
		keyFile:  filepath.Join(scratch, name+"-key.pem"),
	}
	if err := writePEM(id.certFile, "CERTIFICATE", der); err != nil {
		return identity{}, err
	}
	return id, writePEM(id.keyFile, "EC PRIVATE KEY", keyDER)
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
