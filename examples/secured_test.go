// SPDX-License-Identifier: MIT

package examples_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sprymq/spry/zmq"
)

// ends runs an example and requires its exit code and, somewhere in its output, a pattern.
func ends(t *testing.T, code int, pattern, name string, args ...string) {
	t.Helper()
	if out := strings.Join(run(t, name, args...).expect(code), "\n"); !regexp.MustCompile(pattern).MatchString(out) {
		t.Errorf("%s %q printed %q and not %s", name, args, out, pattern)
	}
}

// The service knows its callers by their certificates, refuses all others and says why, and uses a new certificate at once.
func TestMTLS(t *testing.T) {
	t.Parallel()
	at := "tls+tcp://" + freeAddress(t)
	mtls := func(dir string, args ...string) []string { return append([]string{"-url", at, "-dir", dir}, args...) }
	ours, theirs := t.TempDir(), t.TempDir()
	ends(t, 0, `^$`, "mtls", mtls(ours, "issue", "authority", "server", "ada", "bob", "eve")...)
	ends(t, 0, `^$`, "mtls", mtls(theirs, "issue", "authority", "ada")...)
	service := run(t, "mtls", mtls(ours, "serve", "ada", "bob")...)
	service.await(`listening`)
	for range 2 {
		ends(t, 0, `^you are ada$`, "mtls", mtls(ours, "ask", "ada")...)
		ends(t, 0, `^you are bob$`, "mtls", mtls(ours, "ask", "bob")...)
		ends(t, 1, `tls: bad certificate: the peer does not accept`, "mtls", mtls(ours, "ask", "eve")...)
		ends(t, 1, `tls: certificate required: the peer demands`, "mtls", mtls(ours, "ask")...)
		ends(t, 1, `certificate signed by unknown authority`, "mtls", mtls(theirs, "ask", "ada")...)
		old := serverSerial(t, at, ours)
		ends(t, 0, `^$`, "mtls", mtls(ours, "issue", "server")...)
		if serverSerial(t, at, ours) == old {
			t.Error("the service has its old certificate")
		}
	}
	service.await(`eve may not call this service`)
	service.stop(syscall.SIGTERM)
}

// serverSerial returns the serial number of the service's certificate.
func serverSerial(t *testing.T, at, dir string) string {
	t.Helper()
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "ada.pem"), filepath.Join(dir, "ada.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	// Whose certificate it is does not matter here.
	dialer := tls.Dialer{Config: &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true}}
	c, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(at, "tls+tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// The service accepts the clients whose keys are in a folder, from their next connection on.
func TestCurve(t *testing.T) {
	t.Parallel()
	at, keys := url(t), t.TempDir()
	curve := func(args ...string) []string { return append([]string{"-url", at, "-keys", keys}, args...) }
	allowed := filepath.Join(keys, "allowed")
	if err := os.Mkdir(allowed, 0o700); err != nil {
		t.Fatal(err)
	}
	public := map[string]zmq.Certificate{}
	for _, name := range []string{"server", "ada", "eve"} {
		key, secret, err := zmq.GenerateKeys()
		if err != nil {
			t.Fatal(err)
		}
		public[name] = zmq.Certificate{Public: key, Secret: secret, Metadata: map[string]string{"name": name}}
		if err := public[name].Save(filepath.Join(keys, name)); err != nil {
			t.Fatal(err)
		}
	}
	allow := func(name string) {
		t.Helper()
		if err := public[name].SavePublic(filepath.Join(allowed, name)); err != nil {
			t.Fatal(err)
		}
	}
	allow("ada")
	service := run(t, "curve", curve("serve")...)
	service.await(`listening`)
	ends(t, 0, `^you are ada$`, "curve", curve("ask", "ada")...)
	ends(t, 1, `peer refused this end and said "400"`, "curve", curve("ask", "eve")...)
	allow("eve")
	ends(t, 0, `^you are eve$`, "curve", curve("ask", "eve")...)
	if err := os.Remove(filepath.Join(allowed, "ada")); err != nil {
		t.Fatal(err)
	}
	ends(t, 1, `said "400"`, "curve", curve("ask", "ada")...)
	ends(t, 1, `^.*usage: `, "curve", curve("ask")...)
	service.stop(syscall.SIGTERM)
}
