// SPDX-License-Identifier: MIT

package inspect

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// A Cert tells how a TLS connection is secured, and by whom.
type Cert struct {
	Version  string    `json:"version,omitempty"`
	Cipher   string    `json:"cipher,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Issuer   string    `json:"issuer,omitempty"`
	Names    []string  `json:"names,omitempty"` // DNS names and IP addresses
	NotAfter time.Time `json:"not_after,omitzero"`
	Verified bool      `json:"verified"`
}

// describe reports on a connection, or on the certificate that it failed on.
func describe(state tls.ConnectionState, failure error) *Cert {
	c := new(Cert)
	certs := state.PeerCertificates
	if failure == nil {
		c.Version, c.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
		c.Verified = len(state.VerifiedChains) > 0
	} else if refused, ok := errors.AsType[*tls.CertificateVerificationError](failure); ok {
		certs = refused.UnverifiedCertificates
	}
	if len(certs) > 0 {
		c.peer(certs[0])
	}
	return c
}

func (c *Cert) peer(cert *x509.Certificate) {
	c.Subject, c.Issuer, c.NotAfter = cert.Subject.String(), cert.Issuer.String(), cert.NotAfter
	c.Names = append(c.Names, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
}
