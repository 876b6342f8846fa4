// SPDX-License-Identifier: MIT

package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"time"
)

// encrypted says whether a URL is one of TLS.
func encrypted(url string) bool {
	return strings.HasPrefix(url, "tls+tcp:") || strings.HasPrefix(url, "wss:")
}

// tlsServer returns the configuration of who listens, or nil if its URL is not one of TLS. Its certificate has a key of its own.
func tlsServer(url string) (*tls.Config, error) {
	if !encrypted(url) {
		return nil, nil //nolint:nilnil // no TLS is not an error
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}, err
}

// tlsClient returns the configuration of who dials, likewise. The certificate is not checked: a flow has one handshake, before
// it counts.
func tlsClient(url string) *tls.Config {
	if !encrypted(url) {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} //nolint:gosec // as said
}
