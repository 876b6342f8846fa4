// SPDX-License-Identifier: MIT

// Package endpoint opens the sockets' endpoints that the command line names.
package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// TLS says how to secure tls+tcp endpoints. Empty paths are not given.
type TLS struct {
	CACert     string // file of certificates that may sign the peer's
	Revoked    string // file of revocation lists; a peer with a certificate that one of them has is refused
	Cert, Key  string // files of the own certificate and its key; Key may be empty if Cert holds both
	ServerName string // name that a dialed peer must prove; the URL's host by default
	Insecure   bool   // DANGEROUS: take any certificate
}

// Client is the configuration of one connection; nil where nothing was asked for.
func (t TLS) Client() (*tls.Config, error) {
	get, err := t.Dialer(nil)
	if get == nil {
		return nil, err
	}
	return get(context.Background())
}

// Dialer returns the configuration of each connection, from files that are read again when they change; nil where nothing was
// asked for. report, if not nil, receives what certs.Files.Report does.
func (t TLS) Dialer(report func(error)) (func(context.Context) (*tls.Config, error), error) {
	if t == (TLS{}) {
		return nil, nil
	}
	source, err := t.load(&tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.Insecure}, report)
	if err != nil {
		return nil, err
	}
	return source.Client, nil
}

// Server is the configuration for listening, from files that are read again when they change; nil without a certificate of
// one's own. With --cacert, peers must show a certificate too.
func (t TLS) Server(report func(error)) (*tls.Config, error) {
	if t.Cert == "" {
		if t.Key != "" {
			return nil, exit.Errorf(exit.Usage, "--key without --cert")
		}
		return nil, nil
	}
	base := &tls.Config{}
	if t.Insecure && t.CACert != "" {
		base.ClientAuth = tls.RequestClientCert
	}
	source, err := t.load(base, report)
	if err != nil {
		return nil, err
	}
	return source.Server(), nil
}

func (t TLS) load(base *tls.Config, report func(error)) (*certs.Source, error) {
	if t.Revoked != "" && t.Insecure {
		return nil, exit.Errorf(exit.Usage, "--crl has no effect with --insecure: leave one of them out")
	}
	files := certs.Files{Cert: t.Cert, Key: t.Key, Authorities: t.CACert, Revoked: t.Revoked, Base: base}
	if t.Cert == "" { // without it, a dialer has no use for a key
		files.Key = ""
	}
	if report != nil {
		files.Report = func(err error) { report(t.named(err)) }
	}
	source, err := certs.Load(files)
	if err != nil {
		return nil, t.named(err)
	}
	return source, nil
}

// named names the flag of the file that an error is about.
func (t TLS) named(err error) error {
	if err == nil {
		return nil
	}
	about, _, _ := strings.Cut(err.Error(), ":")
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		about = path.Path
	}
	switch about {
	case t.CACert:
		return fmt.Errorf("--cacert: %w", err)
	case t.Key:
		return fmt.Errorf("--key: %w", err)
	case t.Revoked:
		return fmt.Errorf("--crl: %w", err)
	}
	return fmt.Errorf("--cert: %w", err)
}
