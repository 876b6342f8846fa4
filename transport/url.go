// SPDX-License-Identifier: MIT

package transport

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A URL is an endpoint's address:
//
//	[dialect+][layer+]scheme://address[?name=value[&name=value]]
//
// The words before "://" name the dialect and the layers: zmtp+tls+tcp is ZeroMQ's protocol, in TLS, over TCP. The scheme's
// transport interprets the rest. It is not a URL of RFC 3986: "tcp://*:5555" and "ipc://relative/path" are legal, and
// nothing is escaped unless the transport says so. A name, as in ipc://path and inproc://name, may contain a question mark:
// parameters exist only in transports that call [URL.Parameters].
type URL struct {
	Scheme  string // lower case, with the dialect and the layers before it
	Address string // with the parameters
}

// String returns the URL as text, passwords included; see [URL.Redacted].
func (u URL) String() string { return u.Scheme + "://" + u.Address }

// Base returns the last word of the scheme: "tcp" of "zmtp+tls+tcp".
func (u URL) Base() string { return base(u.Scheme) }

func base(scheme string) string { return scheme[strings.LastIndexByte(scheme, '+')+1:] }

// Parameters splits the address at its first question mark. rest is the URL before it; values are the parameters after it,
// decoded as the query of a web URL, where %26 is an ampersand. It is for schemes whose addresses are not names. The
// error wraps [ErrURL].
func (u URL) Parameters() (rest URL, values url.Values, err error) {
	var query string
	u.Address, query, _ = strings.Cut(u.Address, "?")
	values, err = url.ParseQuery(query)
	if err != nil {
		return u, nil, fmt.Errorf("%w: the parameters after the question mark: write them like ?name=value&other=value", ErrURL)
	}
	return u, values, nil
}

// Redacted returns String without secrets, for errors and logs. It shows xxxxx for a password before the host, and for the value
// of a parameter with pass, secret, token or key in its name.
func (u URL) Redacted() string { return redact(u.String()) }

// redact is [URL.Redacted] for text that may not be a URL at all. A password may contain any character, including a slash or
// an @, so everything from the first colon to the last @ is replaced.
func redact(s string) string {
	scheme, address, found := strings.Cut(s, "://")
	if !found || strings.ContainsAny(scheme, ":@") { // what stands before "://" is not a scheme then
		scheme, address = "", s
	}
	begin := s[:len(s)-len(address)]
	at := strings.LastIndexByte(address, '@')
	if colon := strings.IndexByte(address[:max(at, 0)], ':'); colon >= 0 && !isPath(scheme, address[:colon]) {
		address = address[:colon+1] + hidden + address[at:]
	}
	if isName(scheme) {
		return begin + address
	}
	return begin + redactParameters(address)
}

// hidden replaces secrets.
const hidden = "xxxxx"

func redactParameters(address string) string {
	host, query, found := strings.Cut(address, "?")
	if !found {
		return address
	}
	all := strings.Split(query, "&")
	for i, p := range all {
		name, _, _ := strings.Cut(p, "=")
		if lower := strings.ToLower(name); name != p && slices.ContainsFunc(secretive, func(s string) bool { return strings.Contains(lower, s) }) {
			all[i] = name + "=" + hidden
		}
	}
	return host + "?" + strings.Join(all, "&")
}

// secretive parts of a parameter's name mark its value as a secret.
var secretive = []string{"pass", "secret", "token", "key"}

// isPath recognises names that are paths, as in ipc:///run/a:b@c: they have a slash before their first colon.
func isPath(scheme, beforeColon string) bool {
	return (scheme == "" || isName(scheme)) && strings.Contains(beforeColon, "/")
}

// isName reports whether the addresses of a scheme are names that may contain anything, and have no host.
func isName(scheme string) bool {
	switch strings.ToLower(base(scheme)) {
	case "inproc", "ipc", "unix", "abstract":
		return true
	}
	return false
}

// maxURL is the longest URL that [ParseURL] takes, in bytes.
const maxURL = 2048

// ErrURL is wrapped by every error of [ParseURL], and by those of transports for malformed addresses.
var ErrURL = errors.New("malformed URL")

// ParseURL splits a URL of at most 2048 bytes, and puts its scheme in lower case. It does not ask whether any transport serves
// the scheme.
func ParseURL(s string) (URL, error) {
	scheme, address, found := strings.Cut(s, "://")
	switch {
	case len(s) > maxURL:
		return URL{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrURL, len(s), maxURL)
	case !found:
		return URL{}, fmt.Errorf("%w: %q has no scheme; write it like tcp://127.0.0.1:5555", ErrURL, redact(s))
	case strings.ContainsRune(s, 0):
		return URL{}, fmt.Errorf("%w: %q has a NUL byte; write it as %%00 where the scheme allows one", ErrURL, redact(s))
	}
	for i, c := range []byte(scheme) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		other := '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return URL{}, fmt.Errorf("%w: the scheme of %q must be a letter, then letters, digits, + - or .; write it like tcp://127.0.0.1:5555", ErrURL, redact(s))
		}
	}
	if scheme == "" {
		return URL{}, fmt.Errorf("%w: %q has an empty scheme; write it like tcp://127.0.0.1:5555", ErrURL, redact(s))
	}
	return URL{Scheme: strings.ToLower(scheme), Address: address}, nil
}
