// SPDX-License-Identifier: MIT

package main_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key, both := testcert.Files(t)
	_, _, stranger := testcert.Files(t)
	listen := "tls+tcp://127.0.0.1:0"

	mutual := start(t, nil, "rep", "--listen", listen, "--cert", cert, "--key", key, "--cacert", cert, "--echo", "--format", "none")
	url := mutual.url()
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", both, "-D", "x").expect(0, "x\n")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "-D", "no certificate", "--connect-timeout", "1s").expect(3, "")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", stranger, "-D", "wrong one", "--connect-timeout", "1s").expect(3, "")

	open := start(t, nil, "rep", "--listen", listen, "--cert", both, "--echo", "--format", "none")
	url = open.url()
	start(t, nil, "req", "--dial", url, "--insecure", "-D", "x").expect(0, "x\n")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--server-name", "127.0.0.1", "-D", "x").expect(0, "x\n")
	unknown := start(t, nil, "req", "--dial", url, "-D", "x", "--connect-timeout", "1s")
	unknown.expect(3, "")
	if !strings.Contains(unknown.stderr(), "certificate") {
		t.Errorf("the error does not say why: %q", unknown.stderr())
	}

	inspect := start(t, nil, "inspect", url, "--cacert", cert)
	if code := inspect.wait(); code != 0 || !strings.Contains(inspect.stdout(), "TLS 1.3") || !strings.Contains(inspect.stdout(), "verified    true") {
		t.Errorf("exit %d\n%s%s", code, inspect.stdout(), inspect.stderr())
	}
	refused := start(t, nil, "inspect", url)
	if code := refused.wait(); code != 3 || !strings.Contains(refused.stdout(), "127.0.0.1") {
		t.Errorf("exit %d\n%s%s", code, refused.stdout(), refused.stderr())
	}

	plain := start(t, nil, "rep", "--listen", listen, "--echo")
	if code := plain.wait(); code == 0 {
		t.Error("a listener without a certificate")
	}
}

// A server that runs on takes new certificates and authorities from its files, and reports those that it cannot take.
func TestTLSFilesChange(t *testing.T) {
	t.Parallel()
	cert, key, both := testcert.Files(t)
	nextCert, nextKey, nextBoth := testcert.Files(t)
	copyFile := func(to, from string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		testcert.File(t, to, data)
	}
	dir := t.TempDir()
	ownCert, ownKey, ca := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca")
	copyFile(ownCert, cert)
	copyFile(ownKey, key)
	copyFile(ca, cert)
	server := start(t, nil, "rep", "--listen", "tls+tcp://127.0.0.1:0", "--cert", ownCert, "--key", ownKey, "--cacert", ca, "--echo", "--format", "none")
	url := server.url()
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", both, "-D", "x").expect(0, "x\n")
	copyFile(ownKey, nextKey)
	// The handshakes of a client that redials make the server look.
	client := start(t, nil, "req", "--dial", url, "--cacert", nextCert, "--cert", nextBoth, "-D", "y")
	server.await(server.stderr, "(the certificates in use stay: --cert: .*private key)")
	copyFile(ca, nextCert)
	copyFile(ownCert, nextCert)
	server.await(server.stderr, "(new certificates are in use)")
	client.expect(0, "y\n")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", both, "-D", "x", "--connect-timeout", "1s").expect(3, "")
}

// Who has a certificate in a revocation list is refused, at both ends, and the list is read again when it changes.
func TestTLSRevocation(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), testcert.NewAuthority(t)
	write := func(name string, data []byte) string { return testcert.File(t, filepath.Join(dir, name), data) }
	both := func(name string) (path string, c tls.Certificate) {
		c = a.Issue(t, name, "127.0.0.1")
		cert, key := testcert.PEM(t, c)
		return write(name, append(cert, key...)), c
	}
	ca := write("ca", a.CertPEM())
	serverFile, server := both("server")
	clientFile, client := both("client")
	otherFile, _ := both("other")
	none, served := write("none", a.RevocationPEM(t)), write("served", a.RevocationPEM(t))
	listener := start(t, nil, "rep", "--listen", "tls+tcp://127.0.0.1:0", "--cert", serverFile, "--cacert", ca, "--crl", served, "--echo", "--format", "none")
	ask := func(cert, crl string, more ...string) *process {
		return start(t, nil, append([]string{"req", "--dial", listener.url(), "--cacert", ca, "--cert", cert, "--crl", crl, "-D", "x"}, more...)...)
	}
	ask(clientFile, none).expect(0, "x\n")
	revoked := write("revoked", a.RevocationPEM(t, server))
	refused := ask(clientFile, revoked, "--connect-timeout", "1s")
	refused.expect(3, "")
	if !strings.Contains(refused.stderr(), "was revoked on") {
		t.Errorf("the error does not say why: %q", refused.stderr())
	}
	write("served", a.RevocationPEM(t, client))
	ask(otherFile, revoked) // its handshakes, one after the other, make the listener look
	listener.await(listener.stderr, "(new certificates are in use)")
	ask(clientFile, none, "--connect-timeout", "1s").expect(3, "")
	ask(otherFile, none).expect(0, "x\n")

	for _, line := range [][]string{
		{"rep", "--listen", "tls+tcp://127.0.0.1:0", "--cert", serverFile, "--crl", none, "--echo"},
		{"req", "--dial", "tls+tcp://127.0.0.1:1", "--insecure", "--crl", none, "-D", "x"},
	} {
		wrong := start(t, nil, line...)
		if code := wrong.wait(); code != 2 || !strings.Contains(wrong.stderr(), "--crl") {
			t.Errorf("%q: exit %d\n%s", line, code, wrong.stderr())
		}
	}
}
