// SPDX-License-Identifier: MIT

package port

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// mqtt is a protocol of a user's.
var mqtt = Protocol{Match: func(first []byte) (yes, more bool) {
	const begins = "\x10\x10\x00\x04MQTT"
	n := min(len(first), len(begins))
	return len(first) >= len(begins) && string(first[:n]) == begins, string(first[:n]) == begins[:n]
}, ALPN: []string{"mqtt"}}

// smtp is a protocol whose server speaks first.
var smtp = Protocol{Silence: time.Second}

var claimed = []*Protocol{&mqtt, &Sockets, &HTTP2, &HTTP1, &smtp, &RawTLS}

const (
	isMQTT = iota
	isSockets
	isHTTP2
	isHTTP1
	isSMTP
	isTLS
	isNothing = -1
)

var openings = map[string]int{
	"\x10\x10\x00\x04MQTT\x04\x02":                         isMQTT,
	"\x00SP\x00\x00\x50\x00\x00":                           isSockets,
	"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL": isSockets,
	preface + "\x00\x00\x00\x04\x00":                       isHTTP2,
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                    isHTTP1,
	"OPTIONS * HTTP/1.1\r\n":                               isHTTP1,
	"CONNECT example.com:443 HTTP/1.1\r\n":                 isHTTP1,
	"GET http://example.com/ HTTP/1.1\r\n":                 isHTTP1,
	"VERSION-CONTROL /a HTTP/1.1\r\n":                      isHTTP1,
	"P /short HTTP/1.1\r\n":                                isHTTP1,
	"PRI /a HTTP/1.1\r\n":                                  isHTTP1,
	"\x16\x03\x01\x02\x00\x01\x00\x01":                     isTLS,
	"PRI * HTTP/3.0\r\n":                                   isNothing,
	"\x16\x02":                                             isNothing,
	"\x00SQ":                                               isNothing,
	"SSH-2.0-OpenSSH_9.2\r\n":                              isNothing,
	"EHLO example.com\r\n":                                 isNothing,
	"get / HTTP/1.1\r\n":                                   isNothing,
	" GET / HTTP/1.1\r\n":                                  isNothing,
	"GET  / HTTP/1.1\r\n":                                  isNothing,
	strings.Repeat("A", maxMethod+1) + " / HTTP/1.1\r\n":   isNothing,
	"\x10\x10\x00\x04MQIsdp":                               isNothing,
	"\x80\x2e\x01\x03\x01 a hello of SSL 2":                isNothing,
	"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00 remote desktop": isNothing,
}

// However the first bytes are cut, they lead to the same protocol, and further bytes change nothing.
func TestDispatchAtEveryOffset(t *testing.T) {
	for text, want := range openings {
		decided := false
		for n := 1; n <= len(text); n++ {
			got, more := dispatch(claimed, opening{first: []byte(text[:n])})
			switch {
			case more && decided:
				t.Errorf("%q is undecided after %d bytes, and was not before", text, n)
			case more && got != isNothing:
				t.Errorf("%q is %d and undecided after %d bytes", text, got, n)
			case !more && got != want:
				t.Errorf("%q is %d after %d bytes, want %d", text, got, n, want)
			}
			decided = decided || !more
		}
		if !decided {
			t.Errorf("%q is never decided", text)
		}
	}
}

// The order of claims counts, and so do TLS, the name of the server and ALPN.
func TestDispatchByClaims(t *testing.T) {
	plain, secure, named := HTTP1, HTTP1, HTTP1
	plain.Over, secure.Over, named.ServerNames = Plain, TLS, []string{"a.example", "B.example"}
	sock := SP
	all := []*Protocol{&named, &plain, &secure, &mqtt, &sock, &smtp}
	get := []byte("GET / HTTP/1.1\r\n")
	for i, test := range []struct {
		o    opening
		want int
		more bool
	}{
		{opening{first: get}, 1, false},
		{opening{first: get, secure: true}, 2, false},
		{opening{first: get, secure: true, server: "a.example"}, 0, false},
		{opening{first: get, secure: true, server: "b.EXAMPLE"}, 0, false},
		{opening{first: get, secure: true, server: "c.example"}, 2, false},
		{opening{secure: true, alpn: "http/1.1"}, 2, false},
		{opening{secure: true, alpn: "http/1.1", server: "a.example"}, 0, false},
		{opening{secure: true, alpn: "sp"}, 4, false},
		{opening{secure: true, alpn: "sp", first: get}, 4, false},
		{opening{secure: true, alpn: "other", first: get}, 2, false},
		{opening{secure: true, alpn: "other"}, -1, true},
		{opening{}, -1, true},
		{opening{silent: time.Millisecond}, -1, true},
		{opening{silent: time.Second}, 5, false},
		{opening{silent: time.Second, first: []byte("\x10")}, -1, true},
		{opening{first: []byte("\x10"), final: true}, -1, false},
		{opening{final: true}, -1, false},
	} {
		if got, more := dispatch(all, test.o); got != test.want || more != test.more {
			t.Errorf("%d: %d, more %v; want %d, %v", i, got, more, test.want, test.more)
		}
	}
	greedy := Protocol{Match: func([]byte) (yes, more bool) { return false, true }}
	all = []*Protocol{&greedy, &plain}
	if got, more := dispatch(all, opening{first: bytes.Repeat([]byte("A"), MaxFirst-1)}); got != -1 || !more {
		t.Errorf("a claim that needs more holds up the later ones: %d, %v", got, more)
	}
	long := append(get, bytes.Repeat([]byte(" "), MaxFirst)...)
	if got, more := dispatch(all, opening{first: long[:MaxFirst]}); got != 1 || more {
		t.Errorf("at MaxFirst, a claim that needs more has none: %d, %v", got, more)
	}
}

func FuzzDispatch(f *testing.F) {
	for text := range openings {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, first []byte, order uint8) {
		first = first[:min(len(first), MaxFirst)]
		all := []*Protocol{&HTTP, &SP, &ZMTP, &mqtt, &RawTLS}
		n := int(order) % len(all)
		all = append(all[n:], all[:n]...)
		decided, last := false, isNothing
		for n := 1; n <= len(first); n++ {
			got, more := dispatch(all, opening{first: first[:n]})
			if decided && (more || got != last) {
				t.Fatalf("%q: %d after %d bytes, and %d before", first, got, n, last)
			}
			if more && got != isNothing {
				t.Fatalf("%q: %d and undecided", first, got)
			}
			decided, last = !more, got
		}
		if len(first) >= maxMethod+len(" http") && !decided {
			t.Errorf("%q is undecided", first)
		}
	})
}
