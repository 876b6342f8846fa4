// SPDX-License-Identifier: MIT

package inspect

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// A Cert describes how a TLS connection is secured, and by whom.
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
func describe(state tls.ConnectionState, failure error, config *tls.Config) *Cert {
	c := new(Cert)
	certs := state.PeerCertificates
	if failure == nil {
		c.Version, c.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
		c.Verified = verified(state, config)
	} else if refused, ok := errors.AsType[*tls.CertificateVerificationError](failure); ok {
		certs = refused.UnverifiedCertificates
	}
	if len(certs) > 0 {
		c.peer(certs[0])
	}
	return c
}

// verified reports whether the certificate is for the host and of a trusted issuer, even if verification is off.
func verified(state tls.ConnectionState, config *tls.Config) bool {
	if len(state.VerifiedChains) > 0 {
		return true
	}
	options := x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName, Intermediates: x509.NewCertPool()}
	for i, cert := range state.PeerCertificates {
		if i > 0 {
			options.Intermediates.AddCert(cert)
		}
	}
	if len(state.PeerCertificates) == 0 || config.ServerName == "" {
		return false
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err == nil
}

func (c *Cert) peer(cert *x509.Certificate) {
	c.Subject, c.Issuer, c.NotAfter = cert.Subject.String(), cert.Issuer.String(), cert.NotAfter
	c.Names = append(c.Names, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
}
