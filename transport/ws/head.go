// SPDX-License-Identifier: MIT

package ws

import (
	"bytes"
	"errors"
	"io"
)

const (
	// maxHead is how long the head of a request or an answer may be: its first line and its headers.
	maxHead = 16 << 10

	// firstHead is the memory for the head of a peer that has not sent more.
	firstHead = 1 << 10
)

var (
	errLongHead = errors.New("the head of the answer has more")
	errNotHTTP  = errors.New("the first line is not one of HTTP")
)

// readHead reads a head, and returns it with the data that came behind it. begins judges the bytes so far, so that a peer of another
// protocol need not be waited for. Nothing is parsed before the head is whole: headers take many times the memory of their bytes.
func readHead(in io.Reader, begins func(b []byte) bool) (head, early []byte, err error) {
	all := make([]byte, 0, firstHead)
	for {
		if len(all) == cap(all) {
			if len(all) == maxHead {
				return nil, nil, errLongHead
			}
			all = append(make([]byte, 0, min(2*len(all), maxHead)), all...)
		}
		seen := max(len(all)-len("\n\r"), 0)
		n, err := in.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if n > 0 && !begins(all) {
			return nil, nil, errNotHTTP
		}
		if end := headEnd(all[seen:]); end > 0 {
			return all[:seen+end], all[seen+end:], nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// headEnd returns where the empty line ends that ends a head, or 0.
func headEnd(b []byte) int {
	for i := 0; ; {
		k := bytes.IndexByte(b[i:], '\n')
		if k < 0 {
			return 0
		}
		i += k + 1
		if rest := b[i:]; bytes.HasPrefix(rest, []byte("\n")) {
			return i + 1
		} else if bytes.HasPrefix(rest, []byte("\r\n")) {
			return i + 2
		}
	}
}

// beginsRequest reports whether b can be the beginning of a request.
func beginsRequest(b []byte) bool {
	first, _, whole := bytes.Cut(b, []byte("\n"))
	return b[0] >= 'A' && b[0] <= 'z' && (!whole || bytes.Contains(first, []byte(" HTTP/")))
}

// beginsAnswer reports whether b can be the beginning of an answer.
func beginsAnswer(b []byte) bool {
	const version = "HTTP/"
	n := min(len(b), len(version))
	return string(b[:n]) == version[:n]
}
