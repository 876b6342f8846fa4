// SPDX-License-Identifier: MIT

package ipc

import (
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"syscall"

	"github.com/sprymq/spry/transport"
)

// socketName is the name of the socket as package net wants it: a path, or "@" and an abstract name.
func socketName(u transport.URL) (string, error) {
	if u.Scheme == "abstract" {
		return abstractName(u)
	}
	path := u.Address
	switch {
	case path == "":
		return "", malformed(u, "no path; write it like ipc:///tmp/feed.sock")
	case len(path) > maxName:
		return "", malformed(u, fmt.Sprintf("the path has %d bytes, and a socket's at most %d; choose a shorter one, or a relative one", len(path), maxName))
	case strings.ContainsRune(path, 0):
		return "", malformed(u, "the path has a NUL byte")
	case path[0] == '@':
		// To package net and to ZeroMQ this is an abstract name, to the peers of the Scalability Protocols
		// a file.
		return "", malformed(u, "a leading @ is ambiguous; write ipc://./@... for the file or abstract:// and the rest for the name")
	}
	return path, nil
}

// wildcard reports whether the listener is to choose the path, as with ZeroMQ's ipc://*.
func wildcard(u transport.URL) bool { return u.Scheme != "abstract" && u.Address == "*" }

func abstractName(u transport.URL) (string, error) {
	if runtime.GOOS != "linux" {
		return "", wrap(u, fmt.Errorf("%s has no abstract sockets, only Linux does; use ipc:// with a path", runtime.GOOS))
	}
	name, err := url.PathUnescape(u.Address)
	switch {
	case err != nil:
		return "", malformed(u, "two hexadecimal digits must follow a percent sign; write the sign itself as %25")
	case name == "":
		return "", malformed(u, "no name; write it like abstract://feed")
	case len(name) > maxName:
		return "", malformed(u, fmt.Sprintf("the name has %d bytes, at most %d are allowed", len(name), maxName))
	}
	return "@" + name, nil
}

func malformed(u transport.URL, why string) error {
	return wrap(u, fmt.Errorf("%w: %s", transport.ErrURL, why))
}

// wrap names the endpoint in an error that has been decided on.
func wrap(u transport.URL, err error) error {
	shown := u.Redacted()
	if shown != u.String() {
		err = unnamed{err}
	}
	return fmt.Errorf("%s: %w", shown, err)
}

// unnamed is an error without the names in its text, which the operating system puts there: what looks like a password in a URL
// is a part of a path to it.
type unnamed struct{ error }

func (e unnamed) Error() string {
	if errno, ok := errors.AsType[syscall.Errno](e.error); ok {
		return errno.Error()
	}
	return e.error.Error()
}

func (e unnamed) Unwrap() error { return e.error }
