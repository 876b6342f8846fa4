// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

func newPublicKey(t testing.TB) zmq.PublicKey {
	t.Helper()
	public, _, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	return public
}

// expect checks an authenticator's answer: a user, or an error that is want.
func verdict(t *testing.T, check zmq.Authenticator, c zmq.Credentials, user string, want error) {
	t.Helper()
	got, err := check(t.Context(), c)
	if got != user || !errors.Is(err, want) {
		t.Errorf("%v: user %q, %v; want %q, %v", c, got, err, user, want)
	}
	if err != nil && c.Password != "" && strings.Contains(err.Error(), c.Password) {
		t.Errorf("the error shows the password: %v", err)
	}
}

func curve(key zmq.PublicKey) zmq.Credentials {
	return zmq.Credentials{Mechanism: "CURVE", PublicKey: key}
}

func plain(user, password string) zmq.Credentials {
	return zmq.Credentials{Mechanism: "PLAIN", Username: user, Password: password}
}

func TestAllowKeys(t *testing.T) {
	a, b := newPublicKey(t), newPublicKey(t)
	check := zmq.AllowKeys(a)
	verdict(t, check, curve(a), a.String(), nil)
	verdict(t, check, curve(b), "", zmq.ErrDenied)
	verdict(t, zmq.AllowKeys(), curve(a), "", zmq.ErrDenied)
	verdict(t, zmq.AllowKeys(zmq.PublicKey{}), plain("a", "b"), "", zmq.ErrDenied)
}

func TestAllowPasswords(t *testing.T) {
	list := map[string]string{"ali": "open sesame", "nobody": ""}
	check := zmq.AllowPasswords(list)
	list["kasim"] = "open wheat" // comes too late
	verdict(t, check, plain("ali", "open sesame"), "ali", nil)
	verdict(t, check, plain("nobody", ""), "nobody", nil)
	verdict(t, check, plain("ali", "open wheat"), "", zmq.ErrDenied)
	verdict(t, check, plain("kasim", "open wheat"), "", zmq.ErrDenied)
	verdict(t, check, plain("kasim", ""), "", zmq.ErrDenied)
	verdict(t, check, plain("", ""), "", zmq.ErrDenied)
	verdict(t, check, curve(zmq.PublicKey{}), "", zmq.ErrDenied)
	verdict(t, check, zmq.Credentials{Mechanism: "NULL"}, "", zmq.ErrDenied)
}

// textAddr is an address of a kind that is known by its text only.
type textAddr string

func (textAddr) Network() string  { return "test" }
func (a textAddr) String() string { return string(a) }

func TestAddresses(t *testing.T) {
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	for _, test := range []struct {
		prefix  string
		address net.Addr
		within  bool
	}{
		{"192.0.2.0/24", tcp("192.0.2.7:1"), true},
		{"192.0.2.0/24", tcp("192.0.3.7:1"), false},
		{"192.0.2.0/24", tcp("[::ffff:192.0.2.7]:1"), true}, // as a listener for both families sees it
		{"::ffff:192.0.2.0/120", tcp("192.0.2.7:1"), true},
		{"::ffff:192.0.2.0/120", tcp("192.0.3.7:1"), false},
		{"fe80::/10", tcp("[fe80::1%eth0]:1"), true}, // a zone takes nobody past
		{"2001:db8::/32", tcp("[2001:db8::1]:1"), true},
		{"2001:db8::/32", tcp("[2001:db9::1]:1"), false},
		{"::/0", tcp("192.0.2.7:1"), false},
		{"192.0.2.0/24", &net.IPAddr{IP: net.IPv4(192, 0, 2, 7)}, true},
		{"192.0.2.0/24", textAddr("192.0.2.7:1"), true},
		{"0.0.0.0/0", textAddr("@"), false},
		{"0.0.0.0/0", &net.UnixAddr{Name: "/192.0.2.7:1"}, false},
		{"0.0.0.0/0", nil, false},
	} {
		p := netip.MustParsePrefix(test.prefix)
		c := zmq.Credentials{Mechanism: "NULL", Address: test.address}
		allowed, denied := error(nil), error(nil)
		if test.within {
			denied = zmq.ErrDenied
		} else {
			allowed = zmq.ErrDenied
		}
		other := netip.MustParsePrefix("203.0.113.0/24")
		verdict(t, zmq.AllowAddresses(other, p), c, "", allowed)
		verdict(t, zmq.DenyAddresses(other, p), c, "", denied)
	}
	unknown := zmq.Credentials{Address: tcp("192.0.2.7:1")}
	verdict(t, zmq.AllowAddresses(), unknown, "", zmq.ErrDenied)
	verdict(t, zmq.DenyAddresses(), unknown, "", nil)
}

func TestAll(t *testing.T) {
	names := func(user string) zmq.Authenticator {
		return func(context.Context, zmq.Credentials) (string, error) { return user, nil }
	}
	refuses := func(why error) zmq.Authenticator {
		return func(context.Context, zmq.Credentials) (string, error) { return "somebody", why }
	}
	forbidden := func(context.Context, zmq.Credentials) (string, error) {
		t.Error("asked after one that refused")
		return "", nil
	}
	var c zmq.Credentials
	verdict(t, zmq.All(names("a"), names("b"), names("")), c, "b", nil)
	verdict(t, zmq.All(names("a"), refuses(zmq.ErrTryLater), forbidden), c, "", zmq.ErrTryLater)
	verdict(t, zmq.All(), c, "", zmq.ErrDenied)
}

// backdated writes a certificate that looks as if it had been there for long, so that only the listing tells of a change.
func backdated(t testing.TB, path string, c zmq.Certificate, age time.Duration) {
	t.Helper()
	text, err := c.Text()
	testkit.Check(t, err)
	testkit.Check(t, os.WriteFile(path, []byte(text), 0o600))
	past := time.Now().Add(-age)
	testkit.Check(t, os.Chtimes(path, past, past))
}

// A directory counts as it is when somebody asks.
func TestAllowCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certificates")
	check := zmq.AllowCertificates(dir)
	ada, bob, eve := newPublicKey(t), newPublicKey(t), newPublicKey(t)
	if _, err := check(t.Context(), curve(ada)); !errors.Is(err, os.ErrNotExist) || errors.Is(err, zmq.ErrDenied) {
		t.Errorf("no directory: %v", err)
	}
	testkit.Check(t, os.Mkdir(dir, 0o700))
	verdict(t, check, curve(ada), "", zmq.ErrDenied)

	file := func(name string) string { return filepath.Join(dir, name) }
	backdated(t, file("ada"), zmq.Certificate{Public: ada, Metadata: map[string]string{"name": "Ada"}}, time.Hour)
	verdict(t, check, curve(ada), "Ada", nil)
	verdict(t, check, curve(bob), "", zmq.ErrDenied)
	verdict(t, check, plain("Ada", ""), "", zmq.ErrDenied)

	backdated(t, file("bob"), zmq.Certificate{Public: bob}, time.Hour)
	backdated(t, file("eve_secret"), zmq.Certificate{Public: eve}, time.Hour)
	backdated(t, file(".eve"), zmq.Certificate{Public: eve}, time.Hour)
	testkit.Check(t, os.Mkdir(file("folder"), 0o700))
	backdated(t, file("folder/eve"), zmq.Certificate{Public: eve}, time.Hour)
	verdict(t, check, curve(bob), bob.String(), nil)
	verdict(t, check, curve(eve), "", zmq.ErrDenied)

	backdated(t, file("bob"), zmq.Certificate{Public: eve}, time.Minute) // the same size, another time
	verdict(t, check, curve(bob), "", zmq.ErrDenied)
	verdict(t, check, curve(eve), eve.String(), nil)

	testkit.Check(t, os.WriteFile(file("broken"), []byte("no certificate"), 0o600))
	verdict(t, check, curve(ada), "Ada", nil)
	if _, err := check(t.Context(), curve(bob)); !errors.Is(err, zmq.ErrDenied) || !strings.Contains(err.Error(), file("broken")) {
		t.Errorf("the error does not name the file that cannot be read: %v", err)
	}

	testkit.Check(t, os.Remove(file("ada")))
	verdict(t, check, curve(ada), "", zmq.ErrDenied)
	testkit.Check(t, os.RemoveAll(dir))
	if _, err := check(t.Context(), curve(eve)); err == nil || errors.Is(err, zmq.ErrDenied) {
		t.Errorf("without the directory: %v", err)
	}
}

// A file may change within one tick of the file system's clock, and be as long as before.
func TestCertificatesThatChangeAtOnce(t *testing.T) {
	dir := t.TempDir()
	check := zmq.AllowCertificates(dir)
	tick := time.Now()
	for range 5 {
		key := newPublicKey(t)
		path := filepath.Join(dir, "c")
		backdated(t, path, zmq.Certificate{Public: key}, 0)
		testkit.Check(t, os.Chtimes(path, tick, tick))
		verdict(t, check, curve(key), key.String(), nil)
	}
}
