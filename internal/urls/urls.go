// SPDX-License-Identifier: MIT

// Package urls has what sockets and programs do with a [transport.URL] and transports do not: hide secrets in text that may
// not be a URL, and take schemes apart.
package urls

import (
	"strings"

	"github.com/sprymq/spry/transport"
)

// MaxLen is the longest URL that [transport.ParseURL] takes, in bytes.
const MaxLen = 2048

// Redact is [transport.URL.Redacted] for any text.
func Redact(s string) string {
	if scheme, address, found := strings.Cut(s, "://"); found {
		return transport.URL{Scheme: scheme, Address: address}.Redacted()
	}
	return strings.TrimPrefix(transport.URL{Address: s}.Redacted(), "://")
}

// Cut removes a dialect or a layer from the front of the scheme, if it is there: Cut(u, "zmtp") of zmtp+tcp://h:1 is tcp://h:1.
func Cut(u transport.URL, word string) (rest transport.URL, found bool) {
	u.Scheme, found = strings.CutPrefix(u.Scheme, word+"+")
	return u, found
}

// Rename returns an error with the URL outer in the place of inner, with which its text begins. It wraps err.
func Rename(err error, inner, outer transport.URL) error {
	if err == nil {
		return nil
	}
	return &renamed{err, outer.Redacted() + ": " + strings.TrimPrefix(err.Error(), inner.Redacted()+": ")}
}

// A renamed error has another text.
type renamed struct {
	error
	text string
}

func (e *renamed) Error() string { return e.text }
func (e *renamed) Unwrap() error { return e.error }
