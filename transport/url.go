// SPDX-License-Identifier: MIT

package transport

import (
	"errors"
	"fmt"
	"strings"
)

// A URL is an endpoint's address, split where every scheme agrees: what follows "://" means what the
// scheme's transport says. It is not a URL of RFC 3986: "tcp://*:5555" and "ipc://relative/path" are legal.
type URL struct {
	Scheme  string // lower case
	Address string
}

// String puts the URL together again.
func (u URL) String() string { return u.Scheme + "://" + u.Address }

// Redacted is String with a password that stands before the host replaced by xxxxx: for errors and logs.
func (u URL) Redacted() string { return Redact(u.String()) }

// Redact is [URL.Redacted] of what may not be a URL at all. A password may contain anything, a slash or an @ too, so that all
// from the first colon to the last @ is replaced.
func Redact(s string) string {
	scheme, address, found := strings.Cut(s, "://")
	if !found || strings.ContainsAny(scheme, ":@") { // what stands before "://" is not a scheme then
		scheme, address = "", s
	}
	at := strings.LastIndexByte(address, '@')
	colon := strings.IndexByte(address[:max(at, 0)], ':')
	if colon < 0 || isPath(scheme, address[:colon]) {
		return s
	}
	begin := len(s) - len(address)
	return s[:begin+colon+1] + "xxxxx" + s[begin+at:]
}

// isPath tells names that are paths, as in ipc:///run/a:b@c, from a user's: they have a slash before their first colon.
func isPath(scheme, beforeColon string) bool {
	return (scheme == "" || isName(scheme)) && strings.Contains(beforeColon, "/")
}

// isName reports whether the addresses of a scheme are names that may contain anything, and have no host, with or without a
// dialect's name before the scheme.
func isName(scheme string) bool {
	switch strings.ToLower(scheme[strings.LastIndexByte(scheme, '+')+1:]) {
	case "inproc", "ipc", "unix", "abstract":
		return true
	}
	return false
}

// MaxURL is the longest URL that [ParseURL] takes, in bytes.
const MaxURL = 2048

// ErrURL is wrapped by every error of [ParseURL].
var ErrURL = errors.New("malformed URL")

// ParseURL splits a URL. It does not ask whether any transport serves the scheme.
func ParseURL(s string) (URL, error) {
	scheme, address, found := strings.Cut(s, "://")
	switch {
	case len(s) > MaxURL:
		return URL{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrURL, len(s), MaxURL)
	case !found:
		return URL{}, fmt.Errorf("%w: %q has no scheme; write it like tcp://127.0.0.1:5555", ErrURL, Redact(s))
	case strings.ContainsRune(s, 0):
		return URL{}, fmt.Errorf("%w: %q has a NUL byte; write it as %%00 where the scheme allows one", ErrURL, Redact(s))
	}
	for i, c := range []byte(scheme) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		other := '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return URL{}, fmt.Errorf("%w: the scheme of %q must be a letter, then letters, digits, + - or .; write it like tcp://127.0.0.1:5555", ErrURL, Redact(s))
		}
	}
	if scheme == "" {
		return URL{}, fmt.Errorf("%w: %q has an empty scheme; write it like tcp://127.0.0.1:5555", ErrURL, Redact(s))
	}
	return URL{Scheme: strings.ToLower(scheme), Address: address}, nil
}
