// SPDX-License-Identifier: MIT

// Package certs keeps TLS certificates and authorities current: it reads their files again when they change, so that programs
// need no restart.
//
//	source, err := certs.Load(certs.Files{Cert: "tls.crt", Key: "tls.key", Authorities: "ca.crt"})
//	...
//	rep.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://*:5557", TLS: source.Server()})
//	req.DialWith(ctx, &spry.DialConfig{URL: "tls+tcp://service.example:5557", GetTLS: source.Client})
//
// A source looks at its files when a connection begins its handshake, at most once a second, and starts no goroutines. New
// files apply as a whole. If one is missing or malformed, the earlier files stay in use until all are good. So they do while only
// one of certificate and key has been replaced. Established connections stay as they are; [Source.Check] says which of them the new
// files refuse.
package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// Files says where certificates are, in PEM.
type Files struct {
	// Cert is the file of this end's certificate, followed by intermediate ones. A listener needs it.
	Cert string

	// Key is the file of its private key. Empty means that Cert has it too.
	Key string

	// Authorities is the file of the authorities that may sign a peer's certificate. A listener with it demands a certificate
	// from every peer, unless ClientAuth of Base says otherwise. Empty means the authorities of Base: for a dialer, the
	// system's by default.
	Authorities string

	// Revoked is a file of revocation lists, one for each authority that has any. A peer whose chain has a revoked certificate
	// is refused. A list that is past its next update stays in use. Empty means none.
	Revoked string

	// Base has the other settings, and is copied. For a server of net/http, name its protocols in NextProtos. Nil means the
	// defaults.
	Base *tls.Config

	// Report, if not nil, is called when new files are in use, with nil, and when changed files cannot be used, with an error
	// that names the file. It is called in a goroutine that does a handshake, or by Reload, and once for each error. It may be
	// called by several goroutines at once.
	Report func(err error)
}

// Stats are the figures of a Source.
type Stats struct {
	Reloads  uint64    `json:"reloads"`  // times that changed files came into use
	Failures uint64    `json:"failures"` // different errors of changed files that could not be used
	Err      error     `json:"-"`        // why the latest change is not in use; nil if it is
	Expires  time.Time `json:"expires"`  // when this end's certificate does; zero without one
}

// A Source has the current certificates of some files. It is safe for concurrent use.
type Source struct {
	files   Files
	start   time.Time
	looked  atomic.Int64 // when the files were last looked at, in nanoseconds since start
	current atomic.Pointer[contents]

	mu    lock.Mutex[lock.CertificateFiles] // held while files are read
	seen  snapshot                          // the files when they were last read
	stats Stats
}

// Load reads the files. Errors name the file.
func Load(files Files) (*Source, error) {
	if files.Key != "" && files.Cert == "" {
		return nil, fmt.Errorf("the key %s has no certificate: set Cert", files.Key)
	}
	if files.Base != nil {
		files.Base = files.Base.Clone()
	}
	s := &Source{files: files, start: time.Now(), seen: files.look()}
	c, err := files.read()
	if err != nil {
		return nil, err
	}
	s.current.Store(c)
	s.seen.sum = c.sum
	s.stats.Expires = c.expires()
	return s, nil
}

// Server returns a configuration for a listener, whose certificates are those of the files at each handshake.
func (s *Source) Server() *tls.Config {
	c := s.current.Load().server.Clone()
	if s.files.Cert != "" {
		c.Certificates = nil
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.latest().certificate, nil }
	}
	if s.files.Authorities != "" || s.files.Revoked != "" {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.latest().server, nil }
	}
	return c
}

// Client returns the configuration of one connection, for GetTLS of a dialer: a method value, source.Client. The error is
// always nil. The configuration must not be changed; a copy may.
func (s *Source) Client(context.Context) (*tls.Config, error) { return s.latest().client, nil }

// Reload looks at the files at once, as after a signal, and returns why they cannot be used, if that is so.
func (s *Source) Reload() error {
	s.mu.Lock()
	event, happened := s.lookLocked()
	err := s.stats.Err
	s.mu.Unlock()
	s.report(event, happened)
	return err
}

// Stats returns the figures.
func (s *Source) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// interval is the shortest time between two looks at the files.
const interval = time.Second

// latest looks at the files if it is time to, and returns their contents. While one handshake looks, others go on with what is
// there.
func (s *Source) latest() *contents {
	now := int64(time.Since(s.start))
	last := s.looked.Load()
	if now-last < int64(interval) || !s.looked.CompareAndSwap(last, now) || !s.mu.TryLock() {
		return s.current.Load()
	}
	event, happened := s.lookLocked()
	s.mu.Unlock()
	s.report(event, happened)
	return s.current.Load()
}

func (s *Source) report(err error, happened bool) {
	if happened && s.files.Report != nil {
		s.files.Report(err)
	}
}

// lookLocked reads the files if they have changed. It returns what to report, if anything.
func (s *Source) lookLocked() (event error, happened bool) {
	now := s.files.look()
	if s.stats.Err == nil && now.same(&s.seen) {
		return nil, false
	}
	c, err := s.files.read()
	now.sum = s.seen.sum
	s.seen = now
	if err != nil {
		again := s.stats.Err != nil && s.stats.Err.Error() == err.Error()
		s.stats.Err = err
		if again {
			return nil, false
		}
		s.stats.Failures++
		return err, true
	}
	recovered := s.stats.Err != nil
	s.stats.Err = nil
	if c.sum == s.seen.sum && !recovered {
		return nil, false
	}
	if c.sum != s.seen.sum {
		s.stats.Reloads++
	}
	s.seen.sum = c.sum
	s.current.Store(c)
	s.stats.Expires = c.expires()
	return nil, true
}
