// SPDX-License-Identifier: MIT

package port

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// MaxFirst is the number of first bytes, at most, by which a protocol is recognised. At this length, Match must decide.
const MaxFirst = 256

// A Protocol says which connections a listener claims. Its functions and slices must not change while it is claimed.
type Protocol struct {
	// Match reports whether connections that begin with these bytes are of the protocol. With more, longer beginnings may be.
	// It must be a pure function: once it is certain of a beginning, it says the same of all that is longer. first has at least
	// one byte and must not be kept or changed. Several goroutines call it. Nil means that no bytes are recognised.
	//
	// Claims are asked in their order, and the first one that is certain has the connection. A claim that needs more bytes
	// holds the later ones up, so Match should say more only as long as the bytes may be of the protocol.
	Match func(first []byte) (yes, more bool)

	// ALPN are the names of the protocol in TLS. A client that has negotiated one of them is of this protocol, whatever it
	// sends first.
	ALPN []string

	// Silence claims clients that send nothing for this time. It is for protocols whose server speaks first, such as SMTP.
	// 0 means that silent clients are not claimed. It should be well below [Config].Timeout.
	Silence time.Duration

	// Over limits the claim to connections with TLS, or without. The default is both.
	Over Over

	// ServerNames limit the claim to clients that name one of these servers in TLS (SNI). Upper and lower case are the same.
	// None means any client.
	ServerNames []string
}

// Over says what a protocol is spoken over.
type Over int

// The values of [Protocol].Over.
const (
	Any   Over = iota // with TLS, which ends at the port, and without
	Plain             // without TLS
	TLS               // with TLS
)

// The protocols that the package knows. A copy can be limited:
//
//	secure := port.HTTP
//	secure.Over = port.TLS
var (
	// HTTP is HTTP/1 and HTTP/2. Without TLS, a server takes HTTP/2 if its Protocols have UnencryptedHTTP2.
	HTTP = Protocol{Match: matchHTTP, ALPN: []string{"h2", "http/1.1"}}

	// HTTP1 is HTTP/1.0 and HTTP/1.1.
	HTTP1 = Protocol{Match: matchHTTP1, ALPN: []string{"http/1.1"}}

	// HTTP2 is HTTP/2 by its connection preface.
	HTTP2 = Protocol{Match: matchHTTP2, ALPN: []string{"h2"}}

	// SP is the Scalability Protocols of nanomsg, NNG, mangos and Spry.
	SP = Protocol{Match: sp.Dialect.Match, ALPN: []string{"sp"}}

	// ZMTP is ZeroMQ's protocol.
	ZMTP = Protocol{Match: zmtp.Dialect.Match, ALPN: []string{"zmtp"}}

	// Sockets is SP and ZMTP, as sockets of Spry speak both.
	Sockets = Protocol{Match: matchSockets, ALPN: []string{"sp", "zmtp"}}

	// RawTLS is TLS that does not end at the port. A claim takes all connections with TLS, so that Config.TLS is of no use.
	RawTLS = Protocol{Match: matchTLS, Over: Plain}
)

// matchPrefix reports whether first begins with text, or may.
func matchPrefix(first []byte, text string) (yes, more bool) {
	n := min(len(first), len(text))
	if string(first[:n]) != text[:n] {
		return false, false
	}
	return n == len(text), n < len(text)
}

func matchEither(first []byte, a, b func([]byte) (yes, more bool)) (yes, more bool) {
	yes, more = a(first)
	if yes || more {
		return yes, more
	}
	return b(first)
}

func matchSockets(first []byte) (yes, more bool) {
	return matchEither(first, sp.Dialect.Match, zmtp.Dialect.Match)
}

func matchTLS(first []byte) (yes, more bool) { return matchPrefix(first, "\x16\x03") }

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func matchHTTP2(first []byte) (yes, more bool) {
	return matchPrefix(first, preface[:len("PRI * HTTP/2")])
}

// maxMethod is the longest method of HTTP/1 that is recognised.
const maxMethod = 20

// matchHTTP1 takes a method of capital letters, a space and the beginning of a target: a path, an asterisk, or a URL with http.
// CONNECT has a host there.
func matchHTTP1(first []byte) (yes, more bool) {
	method, target, spaced := bytes.Cut(first, []byte{' '})
	if len(method) == 0 || len(method) > maxMethod || slices.ContainsFunc(method, func(c byte) bool { return c != '-' && (c < 'A' || c > 'Z') }) {
		return false, false
	}
	if !spaced || len(target) == 0 {
		return false, true
	}
	switch target[0] {
	case '/':
		return true, false
	case '*':
		return string(method) != "PRI", false
	}
	if string(method) == "CONNECT" {
		return target[0] > ' ' && target[0] < 0x7f, false
	}
	return matchPrefix(bytes.ToLower(target[:min(len(target), 4)]), "http")
}

func matchHTTP(first []byte) (yes, more bool) {
	if yes, more = matchHTTP2(first); yes || more {
		return yes, more
	}
	return matchHTTP1(first)
}

// over reports whether the protocol is claimed on connections of this kind. server is the name that a client has sent in TLS.
func (p *Protocol) over(secure bool, server string) bool {
	if secure && p.Over == Plain || !secure && p.Over == TLS {
		return false
	}
	return len(p.ServerNames) == 0 || secure && slices.ContainsFunc(p.ServerNames, func(name string) bool { return strings.EqualFold(name, server) })
}
