// SPDX-License-Identifier: MIT

package transport_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

func TestParseURL(t *testing.T) {
	for _, tc := range []struct{ in, scheme, address string }{
		{"tcp://127.0.0.1:5555", "tcp", "127.0.0.1:5555"},
		{"TCP://Example.org:5555", "tcp", "Example.org:5555"}, // only the scheme has no case
		{"tcp://*:0", "tcp", "*:0"},
		{"tcp://[::1]:5555", "tcp", "[::1]:5555"},
		{"tcp://eth0;192.0.2.1:5555", "tcp", "eth0;192.0.2.1:5555"},
		{"tls+tcp4://host:1", "tls+tcp4", "host:1"},
		{"ipc:///tmp/a.sock", "ipc", "/tmp/a.sock"},
		{"ipc://relative/path", "ipc", "relative/path"},
		{"ipc://with space", "ipc", "with space"},
		{"abstract://a%00b", "abstract", "a%00b"}, // escapes are the transport's business
		{"inproc://", "inproc", ""},
		{"inproc://a://b", "inproc", "a://b"},
		{"a.b-c+1://x", "a.b-c+1", "x"},
		{"ipc://\xff\xfe", "ipc", "\xff\xfe"}, // paths need not be UTF-8
		{"ipc://" + strings.Repeat("x", urls.MaxLen-6), "ipc", strings.Repeat("x", urls.MaxLen-6)},
	} {
		u, err := transport.ParseURL(tc.in)
		if err != nil || u.Scheme != tc.scheme || u.Address != tc.address {
			t.Errorf("ParseURL(%.40q) = %.40q, %.40q, error %v", tc.in, u.Scheme, u.Address, err)
		}
		if want := tc.scheme + "://" + tc.address; u.String() != want {
			t.Errorf("String() = %.40q, want %.40q", u.String(), want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, tc := range []struct{ in, says string }{
		{"", "no scheme"},
		{"127.0.0.1:5555", "no scheme"},
		{"tcp:/127.0.0.1:5555", "no scheme"},
		{"tcp:127.0.0.1:5555", "no scheme"},
		{"://127.0.0.1:5555", "empty scheme"},
		{"1tcp://127.0.0.1:5555", "must be a letter"},
		{"+tcp://127.0.0.1:5555", "must be a letter"},
		{"tcp ://127.0.0.1:5555", "must be a letter"},
		{" tcp://127.0.0.1:5555", "must be a letter"},
		{"t_p://127.0.0.1:5555", "must be a letter"},
		{"tcp/x://127.0.0.1:5555", "must be a letter"},
		{"tçp://127.0.0.1:5555", "must be a letter"},
		{"\u212ac://127.0.0.1:5555", "must be a letter"}, // the Kelvin sign, whose lower case is the letter k
		{"ipc:///tmp/a\x00b", "NUL"},
		{"\x00://a", "NUL"},
		{"ipc://" + strings.Repeat("x", urls.MaxLen-5), "2049 bytes"},
	} {
		u, err := transport.ParseURL(tc.in)
		switch {
		case err == nil:
			t.Errorf("ParseURL(%.40q) = %+v, want an error", tc.in, u)
		case !errors.Is(err, transport.ErrURL):
			t.Errorf("ParseURL(%.40q): error %q is not ErrURL", tc.in, err)
		case !strings.Contains(err.Error(), tc.says):
			t.Errorf("ParseURL(%.40q): error %q does not say %q", tc.in, err, tc.says)
		case u != transport.URL{}:
			t.Errorf("ParseURL(%.40q) returned both %+v and an error", tc.in, u)
		}
	}
}

func TestRedacted(t *testing.T) {
	u := transport.URL{Scheme: "tcp", Address: "a:b@c:1"}
	if got := u.Redacted(); got != "tcp://a:xxxxx@c:1" {
		t.Errorf("%v is redacted to %q", u, got)
	}
}

func TestBase(t *testing.T) {
	for scheme, want := range map[string]string{"tcp": "tcp", "tls+tcp": "tcp", "zmtp+tls+tcp": "tcp", "": ""} {
		if got := (transport.URL{Scheme: scheme}).Base(); got != want {
			t.Errorf("the base of %s is %s, want %s", scheme, got, want)
		}
	}
}

func TestParameters(t *testing.T) {
	for address, want := range map[string]string{
		"h:1": "h:1 ", "h:1?": "h:1 ", "h:1?a=b&a=c": "h:1 a=b&a=c", "h:1?rate=1MB/s": "h:1 rate=1MB%2Fs",
		"?a": " a=", "h:1?a=x%26y?z": "h:1 a=x%26y%3Fz", "h:1?a=%": "", "h:1?a;b": "",
	} {
		u := transport.URL{Scheme: "tcp", Address: address}
		rest, values, err := u.Parameters()
		if got := rest.Address + " " + values.Encode(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%s has %q, %v, want %q", u, got, err, want)
		} else if err != nil && !errors.Is(err, transport.ErrURL) {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// FuzzParseURL checks that what is taken is split without loss, and that writing and reading it again
// changes nothing.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"tcp://127.0.0.1:5555", "TLS+TCP://*:0", "ipc://relative/path", "abstract://a%00b", "inproc://",
		"tcp://eth0;[fe80::1%eth0]:1", "://", "a://b://c", "1a://", "ipc://\x00", "\u212a://x", "no scheme",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		u, err := transport.ParseURL(in)
		if err != nil {
			if !errors.Is(err, transport.ErrURL) || u != (transport.URL{}) {
				t.Fatalf("%q gave %+v and %v", in, u, err)
			}
			return
		}
		if len(in) > urls.MaxLen || strings.Contains(in, "\x00") {
			t.Fatalf("%q was taken", in)
		}
		if !strings.EqualFold(in[:len(u.Scheme)], u.Scheme) || in[len(u.Scheme):] != "://"+u.Address {
			t.Fatalf("%q was split into %+v", in, u)
		}
		for i, c := range []byte(u.Scheme) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", rune(c)) &&
				(i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
				t.Fatalf("%q has the scheme %q", in, u.Scheme)
			}
		}
		if again, err := transport.ParseURL(u.String()); err != nil || again != u {
			t.Fatalf("%+v became %+v, error %v", u, again, err)
		}
	})
}
