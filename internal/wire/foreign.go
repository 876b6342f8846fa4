// SPDX-License-Identifier: MIT

package wire

import (
	"bytes"
	"cmp"
	"slices"
)

// A foreign protocol is recognised by the first bytes of a connection.
type foreign struct {
	begins             string
	name               string
	dialing, listening string // the remedy at either end; "" = another port
}

var foreigners = []foreign{
	{"\x00SP", "the Scalability Protocols", "dial without zmtp+, from a socket that speaks sp", "dial zmtp+tcp:// there, or listen where sp is spoken too"},
	{"\xff", "ZeroMQ's ZMTP", "dial zmtp+tcp://", "dial without zmtp+ there, or listen where zmtp is spoken too"},
	{"\x16\x03", "TLS", "dial tls+tcp://, or listen without tls+ there", "dial without tls+ there, or listen on tls+tcp://"},
	{"\x15\x03", "TLS", "dial tls+tcp://, or listen without tls+ there", "dial without tls+ there, or listen on tls+tcp://"},
	{"HTTP/", "HTTP (a web server)", "", ""},
	{"GET ", "HTTP (a web client)", "", ""},
	{"HEAD ", "HTTP (a web client)", "", ""},
	{"POST ", "HTTP (a web client)", "", ""},
	{"PUT ", "HTTP (a web client)", "", ""},
	{"OPTIONS ", "HTTP (a web client)", "", ""},
	{"CONNECT ", "HTTP (a web client)", "", ""},
	{"PRI * ", "HTTP/2 (a web client)", "", ""},
	{"SSH-", "SSH", "", ""},
}

// dialects is how many of the foreigners are spoken here.
const dialects = 2

// Foreign says what a peer speaks that began with these bytes, and the remedy, where a dialect does not know them. It returns ""
// if they tell nothing.
func Foreign(first []byte, listening bool) string {
	for _, f := range foreigners {
		remedy := f.dialing
		if listening {
			remedy = f.listening
		}
		if bytes.HasPrefix(first, []byte(f.begins)) {
			return "the peer speaks " + f.name + ": " + cmp.Or(remedy, "check the port")
		}
	}
	if name, _ := ForeignName(first); name != "" {
		return "the peer speaks " + name + ": check the port"
	}
	return ""
}

// ForeignName names what a peer speaks that began with these bytes, or returns "". spoken says that it is one of the dialects.
func ForeignName(first []byte) (name string, spoken bool) {
	for i, f := range foreigners {
		if bytes.HasPrefix(first, []byte(f.begins)) {
			return f.name, i < dialects
		}
	}
	if len(first) > 0 && isText(first) {
		return "HTTP or another text protocol", false
	}
	return "", false
}

func isText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' })
}

// A Suspect is a [Handshake] that knows what may be wrong when the peer falls silent, or ends the connection, at this point.
type Suspect interface {
	// Suspicion is "" or a text such as "the server's key may be wrong".
	Suspicion() string
}
