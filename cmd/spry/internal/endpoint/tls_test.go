// SPDX-License-Identifier: MIT

package endpoint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// selfSigned writes a certificate and its key, apart and together.
func selfSigned(t *testing.T) (cert, key, both string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"x"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretDER})
	write := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert", certPEM), write("key", keyPEM), write("both", append(certPEM, keyPEM...))
}

func TestTLSFiles(t *testing.T) {
	cert, key, both := selfSigned(t)

	if c, err := (endpoint.TLS{}).Client(); c != nil || err != nil {
		t.Errorf("without options: %v, %v", c, err)
	}
	if c, err := (endpoint.TLS{CACert: cert}).Server(); c != nil || err != nil {
		t.Errorf("a listener without a certificate: %v, %v", c, err)
	}
	for _, o := range []endpoint.TLS{{Cert: cert, Key: key, CACert: cert}, {Cert: both, CACert: cert}} {
		client, err := o.Client()
		if err != nil || len(client.Certificates) != 1 || client.RootCAs == nil || client.InsecureSkipVerify {
			t.Errorf("client: %+v, %v", client, err)
		}
		server, err := o.Server()
		if err != nil || len(server.Certificates) != 1 || server.ClientAuth != tls.RequireAndVerifyClientCert {
			t.Errorf("server: %+v, %v", server, err)
		}
	}
	for _, o := range []endpoint.TLS{{Cert: cert, Key: cert}, {Cert: "/nonexistent"}, {CACert: "/nonexistent"}, {CACert: key}} {
		if c, err := o.Client(); err == nil {
			t.Errorf("%+v was taken: %+v", o, c)
		}
	}
	if c, err := (endpoint.TLS{Insecure: true, ServerName: "n"}).Client(); err != nil || !c.InsecureSkipVerify || c.ServerName != "n" {
		t.Errorf("insecure: %+v, %v", c, err)
	}
}
