// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// issue writes a file for each name, with a certificate and its key. The one named authority signs the others.
func issue(_ context.Context, names ...string) error {
	err := os.MkdirAll(*dir, 0o700)
	for _, name := range names {
		err = errors.Join(err, issueOne(name))
	}
	return err
}

func issueOne(name string) error {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(0, 0, 1),
		BasicConstraintsValid: true, IsCA: name == "authority",
	}
	signer := &tls.Certificate{Leaf: template, PrivateKey: key}
	if !template.IsCA {
		if signer, err = load("authority"); err != nil {
			return err
		}
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, signer.Leaf, public, signer.PrivateKey)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	return os.WriteFile(filepath.Join(*dir, name+".pem"), text, 0o600)
}

// load reads the certificate of this name and its key.
func load(name string) (*tls.Certificate, error) {
	file := filepath.Join(*dir, name+".pem")
	c, err := tls.LoadX509KeyPair(file, file)
	return &c, err
}

// trusted is the authority.
func trusted() (*x509.CertPool, error) {
	authority, err := load("authority")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority.Leaf)
	return pool, nil
}
