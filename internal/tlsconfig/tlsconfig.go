// SPDX-License-Identifier: MIT

// Package tlsconfig prepares the TLS configurations of users for connections of sockets and streams.
package tlsconfig

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// minRSA is the least size of an RSA key in bits, which crypto/tls does not check.
const minRSA = 2048

// Listener returns the configuration of a listener, with what Spry requires: a certificate, TLS 1.2, and keys of peers that
// are not too short.
func Listener(c *tls.Config) (*tls.Config, error) {
	if c == nil || len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return nil, errors.New("a TLS listener needs a certificate; set Certificates or GetCertificate of its TLS configuration")
	}
	c, err := own(c)
	if err != nil || c.GetConfigForClient == nil {
		return c, err
	}
	choose, protocols := c.GetConfigForClient, c.NextProtos
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen, err := choose(hello)
		if chosen == nil || err != nil {
			return chosen, err
		}
		if chosen, err = own(chosen); err == nil && len(chosen.NextProtos) == 0 {
			chosen.NextProtos = protocols
		}
		return chosen, err
	}
	return c, nil
}

// A Dialer has the configuration of a dialer.
type Dialer struct {
	fixed *tls.Config // unless get is set
	get   func(ctx context.Context) (*tls.Config, error)
}

// NewDialer returns a dialer with the configuration c, nil meaning the defaults. If get is not nil, it returns the configuration
// of each connection instead.
func NewDialer(c *tls.Config, get func(ctx context.Context) (*tls.Config, error)) (*Dialer, error) {
	if get != nil {
		return &Dialer{get: get}, nil
	}
	c, err := own(c)
	return &Dialer{fixed: c}, err
}

// Config returns the configuration of one connection to a host. The peer's certificate must be for the host unless the
// configuration has another ServerName.
func (d *Dialer) Config(ctx context.Context, host string) (*tls.Config, error) {
	c := d.fixed
	if d.get != nil {
		var err error
		if c, err = d.get(ctx); err == nil {
			c, err = own(c)
		}
		if err != nil {
			return nil, fmt.Errorf("the TLS configuration of this end: %w", err)
		}
	}
	if c.ServerName == "" {
		c = c.Clone()
		c.ServerName = host
	}
	return c, nil
}

// own copies a configuration, nil meaning the defaults, and sets what Spry requires.
func own(c *tls.Config) (*tls.Config, error) {
	if c == nil {
		c = &tls.Config{}
	}
	if c.MaxVersion != 0 && c.MaxVersion < tls.VersionTLS12 {
		return nil, fmt.Errorf("MaxVersion %s is not supported; leave it 0", tls.VersionName(c.MaxVersion))
	}
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	// Small first records are for web pages. Here they would cut every batch in pieces.
	c.DynamicRecordSizingDisabled = true
	verify := c.VerifyConnection
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if err := checkKeys(state.VerifiedChains); err != nil || verify == nil {
			return err
		}
		return verify(state)
	}
	return c, nil
}

// A WeakKeyError says that a certificate has a key which is too short.
type WeakKeyError struct {
	Certificate *x509.Certificate
	Bits        int
}

func (e *WeakKeyError) Error() string {
	return fmt.Sprintf("the certificate of %q has an RSA key of %d bits, and at least %d are needed", e.Certificate.Subject, e.Bits, minRSA)
}

// checkKeys refuses a peer if each of its chains has a certificate whose key is too short. Without verification there are none.
func checkKeys(chains [][]*x509.Certificate) (err error) {
	for _, chain := range chains {
		if err = checkChain(chain); err == nil {
			return nil
		}
	}
	return err
}

func checkChain(chain []*x509.Certificate) error {
	for _, c := range chain {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
			return &WeakKeyError{c, key.N.BitLen()}
		}
	}
	return nil
}
