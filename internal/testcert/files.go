// SPDX-License-Identifier: MIT

package testcert

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CertPEM is the authority's own certificate in PEM, for programs that read it from a file.
func (a *Authority) CertPEM() []byte { return block("CERTIFICATE", a.certificate.Raw) }

// RevocationPEM is a list, in PEM, of revoked certificates of this authority.
func (a *Authority) RevocationPEM(t testing.TB, revoked ...tls.Certificate) []byte {
	helper(t)
	list := &x509.RevocationList{
		Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	check(t, err)
	return block("X509 CRL", der)
}

// PEM is a certificate and its key in PEM, apart.
func PEM(t testing.TB, c tls.Certificate) (cert, key []byte) {
	helper(t)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	check(t, err)
	return block("CERTIFICATE", c.Certificate[0]), block("PRIVATE KEY", der)
}

// Files writes a self-signed certificate for 127.0.0.1 and its key, apart and together.
func Files(t testing.TB) (cert, key, both string) {
	helper(t)
	dir := t.TempDir()
	certPEM, keyPEM := PEM(t, SelfSigned(t, "127.0.0.1"))
	return File(t, filepath.Join(dir, "cert"), certPEM), File(t, filepath.Join(dir, "key"), keyPEM), File(t, filepath.Join(dir, "both"), append(certPEM, keyPEM...))
}

// File writes a file, and returns its path. A file with that name is replaced at once.
func File(t testing.TB, path string, data []byte) string {
	helper(t)
	temporary := path + ".new"
	check(t, os.WriteFile(temporary, data, 0o600))
	check(t, os.Rename(temporary, path))
	return path
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
