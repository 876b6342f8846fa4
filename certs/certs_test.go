// SPDX-License-Identifier: MIT

package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/internal/testcert"
)

// files are the files of one end.
type files struct{ cert, key, authorities, revoked string }

func newFiles(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	return files{filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca"), filepath.Join(dir, "crl")}
}

func (f files) issue(t *testing.T, a *testcert.Authority, name string) tls.Certificate {
	t.Helper()
	c := a.Issue(t, name, "server.example")
	cert, key := testcert.PEM(t, c)
	testcert.File(t, f.key, key)
	testcert.File(t, f.cert, cert)
	return c
}

func (f files) trust(t *testing.T, all ...*testcert.Authority) {
	t.Helper()
	var pem []byte
	for _, a := range all {
		pem = append(pem, a.CertPEM()...)
	}
	testcert.File(t, f.authorities, pem)
}

func load(t *testing.T, f certs.Files) *certs.Source {
	t.Helper()
	s, err := certs.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func reload(t *testing.T, all ...*certs.Source) {
	t.Helper()
	for _, s := range all {
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
	}
}

// shake does a handshake and exchanges a byte each way, so that both ends know how it ended.
func shake(t *testing.T, server *tls.Config, client func(context.Context) (*tls.Config, error)) (dialing, listening tls.ConnectionState, err error) {
	t.Helper()
	config, err := client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config = config.Clone()
	config.ServerName = "server.example"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			s := tls.Server(c, server)
			defer s.Close()
			if _, err = io.ReadFull(s, make([]byte, 1)); err == nil {
				listening = s.ConnectionState()
				_, err = s.Write([]byte{1})
			}
		}
		accepted <- err
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), config)
	if err == nil {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err = c.Write([]byte{1}); err == nil {
			_, err = io.ReadFull(c, make([]byte, 1))
		}
		dialing = c.ConnectionState()
	}
	return dialing, listening, errors.Join(err, <-accepted)
}

func names(t *testing.T, s tls.ConnectionState, want string) {
	t.Helper()
	if len(s.VerifiedChains) == 0 || s.PeerCertificates[0].Subject.CommonName != want {
		t.Errorf("the peer's certificate is %v, verified %t; expected is that of %s", s.PeerCertificates, len(s.VerifiedChains) > 0, want)
	}
}

// Both ends exchange certificates and authorities, and the next connection uses them.
func TestRotation(t *testing.T) {
	a, b := testcert.NewAuthority(t), testcert.NewAuthority(t)
	here, there := newFiles(t), newFiles(t)
	here.issue(t, a, "server 1")
	there.issue(t, a, "client 1")
	here.trust(t, a)
	there.trust(t, a)
	var reports []error
	server := load(t, certs.Files{Cert: here.cert, Key: here.key, Authorities: here.authorities, Report: func(err error) { reports = append(reports, err) }})
	client := load(t, certs.Files{Cert: there.cert, Key: there.key, Authorities: there.authorities})
	config := server.Server()
	for _, step := range []struct {
		change         func()
		server, client string
	}{
		{func() {}, "server 1", "client 1"},
		{func() { here.issue(t, a, "server 2") }, "server 2", "client 1"},
		{func() { there.issue(t, a, "client 2") }, "server 2", "client 2"},
		{func() { here.trust(t, a, b); there.issue(t, b, "client 3") }, "server 2", "client 3"},
		{func() { there.trust(t, b); here.issue(t, b, "server 3"); here.trust(t, b) }, "server 3", "client 3"},
	} {
		step.change()
		reload(t, server, client)
		dialing, listening, err := shake(t, config, client.Client)
		if err != nil {
			t.Fatalf("%s and %s: %v", step.server, step.client, err)
		}
		names(t, dialing, step.server)
		names(t, listening, step.client)
	}
	if st := server.Stats(); st.Reloads != 3 || st.Failures != 0 || st.Err != nil || !st.Expires.After(time.Now()) {
		t.Errorf("figures %+v", st)
	}
	if len(reports) != 3 || errors.Join(reports...) != nil {
		t.Errorf("reports %v", reports)
	}
}

// What is wrong with new files is reported once, and the old ones stay in use until all are good.
func TestBrokenFilesChangeNothing(t *testing.T) {
	a := testcert.NewAuthority(t)
	f := newFiles(t)
	good := f.issue(t, a, "old")
	f.trust(t, a)
	testcert.File(t, f.revoked, a.RevocationPEM(t))
	goodCert, goodKey := testcert.PEM(t, good)
	next := a.Issue(t, "new", "server.example")
	cert, key := testcert.PEM(t, next)
	var reports []error
	s := load(t, certs.Files{Cert: f.cert, Key: f.key, Authorities: f.authorities, Revoked: f.revoked, Report: func(err error) { reports = append(reports, err) }})
	config := s.Server()
	client := func(context.Context) (*tls.Config, error) {
		return &tls.Config{RootCAs: a.Pool, Certificates: []tls.Certificate{a.Issue(t, "client")}}, nil
	}
	failures := uint64(0)
	for _, test := range []struct {
		name, path    string
		broken, whole []byte
	}{
		{"only the key is new", f.key, key, goodKey},
		{"only the certificate is new", f.cert, cert, goodCert},
		{"half of the certificate", f.cert, cert[:len(cert)/2], goodCert},
		{"an empty key", f.key, nil, goodKey},
		{"no authority", f.authorities, []byte("none"), a.CertPEM()},
		{"half of a list", f.revoked, []byte("-----BEGIN X509 CRL-----\nAAAA"), a.RevocationPEM(t)},
	} {
		testcert.File(t, test.path, test.broken)
		for range 3 {
			if err := s.Reload(); err == nil || !strings.Contains(err.Error(), test.path) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		dialing, _, err := shake(t, config, client)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		names(t, dialing, "old")
		failures++
		if st := s.Stats(); st.Failures != failures || st.Err == nil {
			t.Errorf("%s: figures %+v", test.name, st)
		}
		testcert.File(t, test.path, test.whole)
		reload(t, s)
		if n := uint64(len(reports)); n != 2*failures || reports[n-2] == nil || reports[n-1] != nil {
			t.Errorf("%s: reports %v", test.name, reports)
		}
	}
	if err := os.Remove(f.cert); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), f.cert) {
		t.Errorf("without the file: %v", err)
	}
	testcert.File(t, f.cert, cert)
	testcert.File(t, f.key, key)
	reload(t, s)
	dialing, _, err := shake(t, config, client)
	if err != nil {
		t.Fatal(err)
	}
	names(t, dialing, "new")
	for _, err := range reports {
		if err != nil && strings.Contains(err.Error(), strings.Split(string(key), "\n")[1]) {
			t.Errorf("the key is in %v", err)
		}
	}
}

// A session of an authority that was removed is not resumed, on either side.
func TestRemovedAuthorityEndsSessions(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			a, b := testcert.NewAuthority(t), testcert.NewAuthority(t)
			here, there := newFiles(t), newFiles(t)
			here.issue(t, a, "server")
			there.issue(t, a, "client")
			here.trust(t, a, b)
			there.trust(t, a, b)
			server := load(t, certs.Files{Cert: here.cert, Key: here.key, Authorities: here.authorities})
			client := load(t, certs.Files{
				Cert: there.cert, Key: there.key, Authorities: there.authorities,
				Base: &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0), MaxVersion: version},
			})
			config := server.Server()
			resumes := func(want bool) {
				t.Helper()
				s, _, err := shake(t, config, client.Client)
				if err != nil || s.DidResume != want {
					t.Fatalf("resumed %t, expected %t; %v", s.DidResume, want, err)
				}
			}
			resumes(false)
			resumes(true)
			here.issue(t, a, "another server") // which the session does not depend on
			reload(t, server)
			resumes(true)

			here.trust(t, b)
			reload(t, server)
			if s, _, err := shake(t, config, client.Client); err == nil {
				t.Errorf("the listener takes a client of a removed authority; resumed %t", s.DidResume)
			}
			here.trust(t, a, b)
			reload(t, server)
			if _, _, err := shake(t, config, client.Client); err != nil {
				t.Fatal(err)
			}
			resumes(true)
			there.trust(t, b)
			reload(t, client)
			if s, _, err := shake(t, config, client.Client); err == nil {
				t.Errorf("the dialer takes a server of a removed authority; resumed %t", s.DidResume)
			}
		})
	}
}

// A revoked certificate is refused, in a resumed session too. That of another authority with its number is not.
func TestRevocation(t *testing.T) {
	a, b := testcert.NewAuthority(t), testcert.NewAuthority(t)
	here, there := newFiles(t), newFiles(t)
	mine := here.issue(t, a, "server")
	theirs := there.issue(t, a, "client")
	testcert.File(t, here.revoked, nil)
	testcert.File(t, there.revoked, nil)
	here.trust(t, a, b)
	there.trust(t, a, b)
	server := load(t, certs.Files{Cert: here.cert, Key: here.key, Authorities: here.authorities, Revoked: here.revoked})
	client := load(t, certs.Files{
		Cert: there.cert, Key: there.key, Authorities: there.authorities, Revoked: there.revoked,
		Base: &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)},
	})
	config := server.Server()
	good := func() {
		t.Helper()
		if _, _, err := shake(t, config, client.Client); err != nil {
			t.Fatal(err)
		}
	}
	bad := func() {
		t.Helper()
		s, _, err := shake(t, config, client.Client)
		if err == nil {
			t.Fatalf("a revoked certificate was taken; resumed %t", s.DidResume)
		}
	}
	good()
	good()
	testcert.File(t, here.revoked, append(b.RevocationPEM(t, theirs), a.RevocationPEM(t, mine)...))
	reload(t, server)
	good()
	testcert.File(t, here.revoked, append(b.RevocationPEM(t), a.RevocationPEM(t, theirs)...))
	reload(t, server)
	bad()
	testcert.File(t, here.revoked, a.RevocationPEM(t))
	reload(t, server)
	good()
	testcert.File(t, there.revoked, a.RevocationPEM(t, mine))
	reload(t, client)
	_, _, err := shake(t, config, client.Client)
	revoked, is := errors.AsType[*certs.RevokedError](err)
	if !is || revoked.Certificate.SerialNumber.Cmp(mine.Leaf.SerialNumber) != 0 {
		t.Errorf("the dialer says %v", err)
	}
}

// Without a call of Reload, a handshake finds new files, but looks at most once a second.
func TestHandshakesLookOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := testcert.NewAuthority(t)
		f := newFiles(t)
		f.issue(t, a, "old")
		s := load(t, certs.Files{Cert: f.cert, Key: f.key})
		config := s.Server()
		name := func() string {
			c, err := config.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			return c.Leaf.Subject.CommonName
		}
		time.Sleep(time.Second)
		if got := name(); got != "old" {
			t.Fatalf("the certificate is that of %s", got)
		}
		f.issue(t, a, "new")
		time.Sleep(time.Second - time.Nanosecond)
		if got := name(); got != "old" {
			t.Errorf("the files were read %v after the last look", time.Second-time.Nanosecond)
		}
		time.Sleep(time.Nanosecond)
		if got := name(); got != "new" {
			t.Error("the files were not read a second after the last look")
		}
	})
}

func TestLoadFails(t *testing.T) {
	a := testcert.NewAuthority(t)
	f := newFiles(t)
	f.issue(t, a, "server")
	for _, test := range []struct {
		files certs.Files
		names string
	}{
		{certs.Files{Cert: f.cert}, f.cert},
		{certs.Files{Key: f.key}, f.key},
		{certs.Files{Cert: f.cert, Key: f.cert}, f.cert},
		{certs.Files{Cert: f.cert, Key: f.key, Authorities: f.authorities}, f.authorities},
		{certs.Files{Cert: f.cert, Key: f.key, Authorities: f.key}, f.key},
		{certs.Files{Cert: f.cert, Key: f.key, Revoked: f.key}, f.key},
	} {
		if _, err := certs.Load(test.files); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%+v: %v", test.files, err)
		}
	}
}

// The callbacks and settings of Base stay.
func TestBase(t *testing.T) {
	a := testcert.NewAuthority(t)
	f := newFiles(t)
	f.issue(t, a, "server")
	f.trust(t, a)
	testcert.File(t, f.revoked, a.RevocationPEM(t))
	refusal := errors.New("refused by the application")
	base := &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, VerifyConnection: func(tls.ConnectionState) error { return refusal }}
	s := load(t, certs.Files{Cert: f.cert, Key: f.key, Authorities: f.authorities, Revoked: f.revoked, Base: base})
	trusting := func(context.Context) (*tls.Config, error) { return &tls.Config{RootCAs: a.Pool}, nil }
	config := s.Server()
	if _, _, err := shake(t, config, trusting); err == nil {
		t.Error("VerifyConnection of the listener's Base is not called")
	}
	server := &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "server", "server.example")}, ClientCAs: x509.NewCertPool()}
	if _, _, err := shake(t, server, s.Client); !errors.Is(err, refusal) {
		t.Errorf("VerifyConnection of the dialer's Base is not called: %v", err)
	}
	base.VerifyConnection = nil
	s = load(t, certs.Files{Cert: f.cert, Key: f.key, Authorities: f.authorities, Base: base})
	if _, _, err := shake(t, s.Server(), trusting); err != nil {
		t.Errorf("ClientAuth of Base is replaced: %v", err)
	}
}

// Established connections are judged by the files as they are now, at both ends.
func TestCheck(t *testing.T) {
	a, b := testcert.NewAuthority(t), testcert.NewAuthority(t)
	here, there := newFiles(t), newFiles(t)
	mine, theirs := here.issue(t, a, "server"), there.issue(t, a, "client")
	testcert.File(t, here.revoked, nil)
	testcert.File(t, there.revoked, nil)
	here.trust(t, a, b)
	there.trust(t, a, b)
	server := load(t, certs.Files{Cert: here.cert, Key: here.key, Authorities: here.authorities, Revoked: here.revoked})
	client := load(t, certs.Files{Cert: there.cert, Key: there.key, Authorities: there.authorities, Revoked: there.revoked})
	dialing, listening, err := shake(t, server.Server(), client.Client)
	if err != nil {
		t.Fatal(err)
	}
	good := func() {
		t.Helper()
		if err := errors.Join(server.Check(&listening), client.Check(&dialing)); err != nil {
			t.Error(err)
		}
	}
	revoked := func(err error, c tls.Certificate) {
		t.Helper()
		if r, ok := errors.AsType[*certs.RevokedError](err); !ok || r.Certificate.SerialNumber.Cmp(c.Leaf.SerialNumber) != 0 {
			t.Errorf("got the error %v, want that the certificate with the number %x was revoked", err, c.Leaf.SerialNumber)
		}
	}
	good()
	testcert.File(t, here.revoked, a.RevocationPEM(t, theirs))
	testcert.File(t, there.revoked, a.RevocationPEM(t, mine))
	reload(t, server, client)
	revoked(server.Check(&listening), theirs)
	revoked(client.Check(&dialing), mine)
	testcert.File(t, here.revoked, a.RevocationPEM(t))
	testcert.File(t, there.revoked, a.RevocationPEM(t))
	reload(t, server, client)
	good()
	here.trust(t, b)
	reload(t, server)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](server.Check(&listening)); !ok {
		t.Errorf("an authority that was removed: %v", server.Check(&listening))
	}
	if err := errors.Join(server.Check(nil), server.Check(&tls.ConnectionState{})); err != nil {
		t.Errorf("a peer without a certificate: %v", err)
	}
}
