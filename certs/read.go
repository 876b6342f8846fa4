// SPDX-License-Identifier: MIT

package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// contents are the files at one time.
type contents struct {
	certificate    *tls.Certificate // nil without one
	server, client *tls.Config
	authorities    *x509.CertPool // nil without a file of them
	lists          revocations
	sum            [sha256.Size]byte // of all bytes
}

// expires is when this end's certificate does.
func (c *contents) expires() time.Time {
	if c.certificate == nil {
		return time.Time{}
	}
	return c.certificate.Leaf.NotAfter
}

// clockTick is more than the resolution of the times of file systems.
const clockTick = 3 * time.Second

// A snapshot is the state of the files as the file system shows it.
type snapshot struct {
	files   [4]fs.FileInfo // nil of a file that is missing or not named
	settled bool           // a later change will show
	sum     [sha256.Size]byte
}

func (f *Files) paths() [4]string { return [4]string{f.Cert, f.Key, f.Authorities, f.Revoked} }

// look asks the file system about the files. Links are followed: some systems put new files in place by changing where a link
// leads.
func (f *Files) look() snapshot {
	s := snapshot{settled: true}
	now := time.Now()
	for i, path := range f.paths() {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil { // reading the file says why
			continue
		}
		s.files[i] = info
		s.settled = s.settled && now.Sub(info.ModTime()) > clockTick
	}
	return s
}

// same reports whether nothing can have changed since a snapshot.
func (s *snapshot) same(old *snapshot) bool {
	for i, a := range s.files {
		b := old.files[i]
		if (a == nil) != (b == nil) || a != nil && (a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) || !os.SameFile(a, b)) {
			return false
		}
	}
	return old.settled
}

// read reads all files and checks that they belong together.
func (f *Files) read() (*contents, error) {
	var data [4][]byte
	hash := sha256.New()
	for i, path := range f.paths() {
		if path == "" {
			continue
		}
		var err error
		if data[i], err = os.ReadFile(path); err != nil {
			return nil, err // which names the file
		}
		sum := sha256.Sum256(data[i])
		hash.Write(sum[:])
	}
	c := &contents{}
	hash.Sum(c.sum[:0])
	if f.Cert != "" {
		pair, err := f.pair(data[0], data[1])
		if err != nil {
			return nil, err
		}
		c.certificate = pair
	}
	if f.Authorities != "" {
		if c.authorities = x509.NewCertPool(); !c.authorities.AppendCertsFromPEM(data[2]) {
			return nil, fmt.Errorf("%s: no certificate in PEM in it", f.Authorities)
		}
	}
	if f.Revoked != "" {
		var err error
		if c.lists, err = parseLists(data[3]); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Revoked, err)
		}
	}
	f.configure(c)
	return c, nil
}

func (f *Files) pair(cert, key []byte) (*tls.Certificate, error) {
	name := f.Cert
	if f.Key == "" {
		key = cert
	} else {
		name += " and " + f.Key
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if pair.Leaf == nil { // as with an old GODEBUG
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &pair, nil
}

// configure makes the configurations of the contents.
func (f *Files) configure(c *contents) {
	base := f.Base
	if base == nil {
		base = &tls.Config{}
	}
	c.server, c.client = base.Clone(), base.Clone()
	if c.certificate != nil {
		c.server.Certificates = []tls.Certificate{*c.certificate}
		c.client.Certificates = c.server.Certificates
	}
	if c.authorities != nil {
		c.client.RootCAs = c.authorities
		c.server.ClientCAs = c.authorities
		if c.server.ClientAuth == tls.NoClientCert {
			c.server.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	if len(c.lists) > 0 {
		c.server.VerifyConnection = c.lists.verifier(base.VerifyConnection)
		c.client.VerifyConnection = c.server.VerifyConnection
	}
}

// revocations are lists of revoked certificates.
type revocations []*x509.RevocationList

// parseLists parses lists in PEM. A file without any text is one without lists.
func parseLists(data []byte) (lists revocations, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			if len(bytes.TrimSpace(data)) > 0 {
				return nil, errors.New("no revocation list in PEM in it, or something else behind one")
			}
			return lists, nil
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
}

// verifier returns a VerifyConnection that asks next, unless every chain of the peer has a revoked certificate.
func (r revocations) verifier(next func(tls.ConnectionState) error) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if err := r.checkAny(state.VerifiedChains); err != nil || next == nil {
			return err
		}
		return next(state)
	}
}

// checkAny returns an error if every chain has a revoked certificate.
func (r revocations) checkAny(chains [][]*x509.Certificate) (err error) {
	for _, chain := range chains {
		if err = r.check(chain); err == nil {
			return nil
		}
	}
	return err
}

// A RevokedError says that a certificate of a peer was revoked.
type RevokedError struct {
	Certificate *x509.Certificate // that was revoked: the peer's own, or an authority's
	Time        time.Time         // of the revocation
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("the certificate of %q with the serial number %x was revoked on %s", e.Certificate.Subject, e.Certificate.SerialNumber, e.Time.UTC().Format(time.DateOnly))
}

func (r revocations) check(chain []*x509.Certificate) error {
	for i := range len(chain) - 1 {
		c, issuer := chain[i], chain[i+1]
		for _, list := range r {
			if !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
				continue
			}
			for _, entry := range list.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(c.SerialNumber) == 0 && list.CheckSignatureFrom(issuer) == nil {
					return &RevokedError{c, entry.RevocationTime}
				}
			}
		}
	}
	return nil
}
