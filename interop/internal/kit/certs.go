// SPDX-License-Identifier: MIT

package kit

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

// An Identity is a certificate with its key, for Go and as PEM files for others.
type Identity struct {
	pair              tls.Certificate
	CertFile, KeyFile string
}

// Credentials are the certificates for tests of tls+tcp: an authority, and certificates that it signed.
type Credentials struct {
	authority      *x509.CertPool
	AuthorityFile  string
	Server, Client Identity
}

// config is Spry's own end; mutual adds the client's certificate and the demand for it.
func (c *Credentials) config(listening, mutual bool) *tls.Config {
	if listening {
		config := &tls.Config{Certificates: []tls.Certificate{c.Server.pair}}
		if mutual {
			config.ClientCAs, config.ClientAuth = c.authority, tls.RequireAndVerifyClientCert
		}
		return config
	}
	config := &tls.Config{RootCAs: c.authority, ServerName: "localhost"}
	if mutual {
		config.Certificates = []tls.Certificate{c.Client.pair}
	}
	return config
}

// Config is a configuration for a peer in Go.
func (c *Credentials) Config(listening bool) *tls.Config { return c.config(listening, false) }

var makeCredentials = sync.OnceValues(newCredentials)

// Certificates returns the credentials of this run.
func Certificates(t *testing.T) *Credentials {
	t.Helper()
	c, err := makeCredentials()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCredentials() (*Credentials, error) {
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
	c := &Credentials{authority: x509.NewCertPool(), AuthorityFile: filepath.Join(Scratch, "ca.pem")}
	c.authority.AddCert(ca)
	if err := writePEM(c.AuthorityFile, "CERTIFICATE", der); err != nil {
		return nil, err
	}
	if c.Server, err = newIdentity("localhost", 2, ca, key); err != nil {
		return nil, err
	}
	c.Client, err = newIdentity("client", 3, ca, key)
	return c, err
}

func newIdentity(name string, serial int64, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	leaf := template(serial, name)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.DNSNames = []string{name, "127.0.0.1"} // mbedTLS 2 compares an IP address with DNS names only
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return Identity{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{
		pair:     tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		CertFile: filepath.Join(Scratch, name+"-cert.pem"),
		KeyFile:  filepath.Join(Scratch, name+"-key.pem"),
	}
	if err := writePEM(id.CertFile, "CERTIFICATE", der); err != nil {
		return Identity{}, err
	}
	return id, writePEM(id.KeyFile, "EC PRIVATE KEY", keyDER)
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
