// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/zmq"
)

func frames(texts ...string) (fs [][]byte) {
	for _, s := range texts {
		fs = append(fs, []byte(s))
	}
	return fs
}

// The requests are those of RFC 27, with the addresses that libzmq gives.
func TestZAPRequests(t *testing.T) {
	key := newPublicKey(t)
	from := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 4711}
	creds := &transport.Creds{PID: 3, UID: 1, GID: 2}
	for _, test := range []struct {
		c    zmq.Credentials
		want []string
	}{
		{
			zmq.Credentials{Mechanism: "PLAIN", Username: "ali", Password: "open sesame", Address: from},
			[]string{"1.0", "1", "global", "192.0.2.7", "", "PLAIN", "ali", "open sesame"},
		},
		{
			zmq.Credentials{Mechanism: "CURVE", PublicKey: key, Address: &net.UnixAddr{}, Creds: creds, Metadata: map[string]string{"Identity": "me"}},
			[]string{"1.0", "1", "global", ":1:2:3", "me", "CURVE", string(key[:])},
		},
		{zmq.Credentials{Mechanism: "NULL", Address: &net.UnixAddr{}}, []string{"1.0", "1", "global", "", "", "NULL"}},
	} {
		var asked [][]byte
		check := zmq.ZAP(func(_ context.Context, request [][]byte) ([][]byte, error) {
			asked = request
			return frames("1.0", string(request[1]), "200", "OK", "user", ""), nil
		}, "global")
		verdict(t, check, test.c, "user", nil)
		if !slices.EqualFunc(asked, frames(test.want...), slices.Equal) {
			t.Errorf("asked %q, want %q", asked, test.want)
		}
		verdict(t, check, test.c, "user", nil)
		if string(asked[1]) != "2" {
			t.Errorf("the second request is %q", asked[1])
		}
	}
}

// Only a reply that is right in every part lets anybody in.
func TestZAPReplies(t *testing.T) {
	denied, later := zmq.ErrDenied, zmq.ErrTryLater
	for _, test := range []struct {
		reply [][]byte
		want  error // nil is any that is neither of the two
		says  string
	}{
		{frames("1.0", "1", "400", "go away", "user", ""), denied, "go away"},
		{frames("1.0", "1", "300", "busy", "user", ""), later, "busy"},
		{frames("1.0", "1", "500", "broken", "user", ""), nil, "broken"},
		{frames("1.0", "1", "201", "", "user", ""), nil, "201"},
		{frames("1.0", "1", "", "", "user", ""), nil, `""`},
		{frames("1.0", "1", "200 ", "", "user", ""), nil, "200 "},
		{frames("2.0", "1", "200", "OK", "user", ""), nil, "2.0"},
		{frames("1.0", "2", "200", "OK", "user", ""), nil, "request"},
		{frames("1.0", "", "200", "OK", "user", ""), nil, "request"},
		{frames("1.0", "1", "200", "OK", "user"), nil, "5 frames"},
		{frames("", "1.0", "1", "200", "OK", "user", ""), nil, "7 frames"},
		{nil, nil, "0 frames"},
	} {
		check := zmq.ZAP(func(context.Context, [][]byte) ([][]byte, error) { return test.reply, nil }, "")
		user, err := check(t.Context(), plain("ali", "open sesame"))
		other := !errors.Is(err, denied) && !errors.Is(err, later)
		if err == nil || user != "" || test.want == nil != other || !errors.Is(err, test.want) && test.want != nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: user %q, %v", test.reply, user, err)
		}
	}
	gone := errors.New("nobody is there")
	check := zmq.ZAP(func(context.Context, [][]byte) ([][]byte, error) { return nil, gone }, "")
	verdict(t, check, plain("ali", "open sesame"), "", gone)
}

func TestHandleZAP(t *testing.T) {
	key := newPublicKey(t)
	var seen zmq.Credentials
	sees := func(user string, err error) zmq.Authenticator {
		return func(_ context.Context, c zmq.Credentials) (string, error) {
			seen = c
			return user, err
		}
	}
	request := frames("1.0", "7", "global", "192.0.2.7", "me", "PLAIN", "ali", "open sesame")
	for _, test := range []struct {
		err                error
		status, text, user string
	}{
		{nil, "200", "OK", "user"},
		{fmt.Errorf("%w: no", zmq.ErrDenied), "400", "the credentials are wrong: no", ""},
		{zmq.ErrTryLater, "300", "not now: try again later", ""},
		{errors.New("broken"), "500", "broken", ""},
		{errors.New(strings.Repeat("x", 300)), "500", strings.Repeat("x", 255), ""},
	} {
		got := zmq.HandleZAP(t.Context(), sees("user", test.err), request)
		if want := frames("1.0", "7", test.status, test.text, test.user, ""); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%v: replied %q, want %q", test.err, got, want)
		}
	}
	if seen.Mechanism != "PLAIN" || seen.Username != "ali" || seen.Password != "open sesame" || seen.Domain != "global" ||
		seen.Address.String() != "192.0.2.7" || seen.Metadata["Identity"] != "me" || seen.Creds != nil {
		t.Errorf("seen %#v, metadata %v", seen, seen.Metadata)
	}
	zmq.HandleZAP(t.Context(), sees("", nil), frames("1.0", "7", "", ":1:2:3", "", "CURVE", string(key[:])))
	if seen.Mechanism != "CURVE" || seen.PublicKey != key || seen.Address != nil || *seen.Creds != (transport.Creds{UID: 1, GID: 2, PID: 3}) {
		t.Errorf("seen %v, creds %v", seen, seen.Creds)
	}
	zmq.HandleZAP(t.Context(), sees("", nil), frames("1.0", "7", "", "::1", "", "NULL"))
	if seen.Mechanism != "NULL" || seen.Address.String() != "::1" {
		t.Errorf("seen %v", seen)
	}
}

// A malformed request reaches nobody, and is refused in a reply that its sender can read.
func TestHandleZAPRefuses(t *testing.T) {
	head := func(mechanism string, more ...string) [][]byte {
		return frames(append([]string{"1.0", "7", "", "", "", mechanism}, more...)...)
	}
	for status, requests := range map[string][][][]byte{
		"400": {head("GSSAPI", "x"), head(""), head("plain", "a", "b")},
		"500": {
			nil, frames("1.0"), frames("1.0", "7", "", "", ""), head("PLAIN", "a"), head("PLAIN", "a", "b", "c"), head("NULL", "x"), head("CURVE"),
			head("CURVE", "short"), head("CURVE", strings.Repeat("x", 33)), head("PLAIN", strings.Repeat("x", 256), ""),
			head("PLAIN", "", strings.Repeat("x", 256)), frames("2.0", "7", "", "", "", "NULL"),
		},
	} {
		for _, r := range requests {
			reply := zmq.HandleZAP(t.Context(), func(context.Context, zmq.Credentials) (string, error) {
				t.Errorf("%q was asked about", r)
				return "", nil
			}, r)
			if len(reply) != 6 || string(reply[2]) != status || len(r) > 1 && string(reply[1]) != "7" {
				t.Errorf("%q: replied %q, want %s", r, reply, status)
			}
		}
	}
}

// FuzzZAP checks that what an adapter asks and a handler says fit together, and that neither trips over other frames.
func FuzzZAP(f *testing.F) {
	f.Add("1.0\x017\x01d\x01192.0.2.7\x01me\x01PLAIN\x01ali\x01sesame")
	f.Add("1.0\x011\x01200\x01OK\x01user\x01")
	f.Add("1.0\x017\x01\x01:1:-1:4294967295\x01\x01CURVE\x01abcdefghijklmnopqrstuvwxyz012345")
	f.Fuzz(func(t *testing.T, in string) {
		fs := frames(strings.Split(in, "\x01")...)
		user, err := zmq.ZAP(func(context.Context, [][]byte) ([][]byte, error) { return fs, nil }, "")(t.Context(), plain("a", "b"))
		if err == nil && (len(fs) != 6 || string(fs[2]) != "200" || user != string(fs[4])) {
			t.Errorf("the reply %q let in %q", fs, user)
		}
		echo := func(_ context.Context, c zmq.Credentials) (string, error) {
			user := ""
			_, _ = zmq.ZAP(func(_ context.Context, request [][]byte) ([][]byte, error) {
				user = fmt.Sprintf("%q", request[4:])
				return nil, nil // what it asks is all that matters here
			}, c.Domain)(t.Context(), c)
			return user, nil
		}
		reply := zmq.HandleZAP(t.Context(), echo, fs)
		if len(reply) != 6 || string(reply[0]) != "1.0" {
			t.Fatalf("replied %q", reply)
		}
		if string(reply[2]) == "200" && string(reply[4]) != fmt.Sprintf("%q", fs[4:]) {
			t.Errorf("%q was handed on as %q", fs[4:], reply[4])
		}
	})
}
