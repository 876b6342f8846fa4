// SPDX-License-Identifier: MIT

// Package endpoint opens the sockets' endpoints that the command line names.
package endpoint

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// TLS says how to secure tls+tcp endpoints. Empty paths are not given.
type TLS struct {
	CACert     string // file of certificates that may sign the peer's
	Cert, Key  string // files of the own certificate and its key; Key may be empty if Cert holds both
	ServerName string // name that a dialed peer must prove; the URL's host by default
	Insecure   bool   // DANGEROUS: take any certificate
}

// Client is the configuration for dialing; nil where nothing was asked for.
func (t TLS) Client() (*tls.Config, error) {
	if t == (TLS{}) {
		return nil, nil
	}
	config := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.Insecure}
	var err error
	if config.RootCAs, err = t.authorities(); err != nil {
		return nil, err
	}
	if t.Cert != "" {
		if config.Certificates, err = t.certificates(); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// Server is the configuration for listening; nil without a certificate of one's own. With --cacert, peers must
// show a certificate too.
func (t TLS) Server() (*tls.Config, error) {
	if t.Cert == "" {
		if t.Key != "" {
			return nil, exit.Errorf(exit.Usage, "--key without --cert")
		}
		return nil, nil
	}
	config := &tls.Config{}
	var err error
	if config.Certificates, err = t.certificates(); err != nil {
		return nil, err
	}
	if config.ClientCAs, err = t.authorities(); err != nil {
		return nil, err
	}
	switch {
	case config.ClientCAs != nil && t.Insecure:
		config.ClientAuth = tls.RequestClientCert
	case config.ClientCAs != nil:
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

func (t TLS) certificates() ([]tls.Certificate, error) {
	key := t.Key
	if key == "" {
		key = t.Cert
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, key)
	if err != nil {
		return nil, fmt.Errorf("--cert %s with --key %s: %w", t.Cert, key, err)
	}
	return []tls.Certificate{pair}, nil
}

// authorities is the pool of --cacert, or nil.
func (t TLS) authorities() (*x509.CertPool, error) {
	if t.CACert == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.CACert)
	if err != nil {
		return nil, fmt.Errorf("--cacert: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--cacert %s: no certificate in PEM form in it", t.CACert)
	}
	return pool, nil
}
