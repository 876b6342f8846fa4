// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// MaxHTTPHead is the most bytes of a request or a response that [ReadHTTPRequest] and [ReadHTTPResponse] read.
const MaxHTTPHead = 64 << 10

// ErrHTTP is wrapped by the errors of malformed requests and responses, and of responses that refuse a request.
var ErrHTTP = errors.New("HTTP")

// An HTTPRequest is the head of a request of HTTP/1.1. Handshakes such as that of WebSocket have no body; a program that
// expects one reads it from the stream.
type HTTPRequest struct {
	Method, Target string               // such as GET and /path?query
	Header         textproto.MIMEHeader // nil is empty
}

// An HTTPResponse is the head of a response of HTTP/1.1.
type HTTPResponse struct {
	Code   int                  // such as 101
	Reason string               // the text behind it, which may be empty
	Header textproto.MIMEHeader // nil is empty
}

// ReadHTTPRequest reads the head of a request, and nothing beyond it.
func ReadHTTPRequest(ctx context.Context, b *Bytes) (*HTTPRequest, error) {
	line, header, err := readHead(ctx, b)
	if err != nil {
		return nil, err
	}
	words := strings.Split(line, " ")
	if len(words) != 3 || !isToken(words[0]) || !isTarget(words[1]) || !isVersion(words[2]) {
		return nil, fmt.Errorf("%w: %.60q is not a request of HTTP/1.1", ErrHTTP, line)
	}
	return &HTTPRequest{words[0], words[1], header}, nil
}

// ReadHTTPResponse reads the head of a response, and nothing beyond it.
func ReadHTTPResponse(ctx context.Context, b *Bytes) (*HTTPResponse, error) {
	line, header, err := readHead(ctx, b)
	if err != nil {
		return nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(code, 10, 10)
	if err != nil || len(code) != 3 || n < 100 || !isVersion(version) || !isText(reason) {
		return nil, fmt.Errorf("%w: %.60q is not a response of HTTP/1.1", ErrHTTP, line)
	}
	return &HTTPResponse{int(n), reason, header}, nil
}

// Write writes the request. Fields are written in the order of their names.
func (r *HTTPRequest) Write(ctx context.Context, b *Bytes) error {
	if !isToken(r.Method) || !isTarget(r.Target) {
		return fmt.Errorf("%w: %.60q cannot be a request", ErrHTTP, r.Method+" "+r.Target)
	}
	return writeHead(ctx, b, r.Method+" "+r.Target+" HTTP/1.1", r.Header)
}

// Write writes the response. Fields are written in the order of their names.
func (r *HTTPResponse) Write(ctx context.Context, b *Bytes) error {
	if r.Code < 100 || r.Code > 999 || !isText(r.Reason) {
		return fmt.Errorf("%w: %d %.60q cannot be a response", ErrHTTP, r.Code, r.Reason)
	}
	return writeHead(ctx, b, fmt.Sprintf("HTTP/1.1 %d %s", r.Code, r.Reason), r.Header)
}

// HTTPUpgrade sends a request for another protocol and reads the response, which must have the code 101. It returns the
// stream, which now carries that protocol. On an error the stream is closed; the response is returned if there is one.
func HTTPUpgrade(ctx context.Context, below *Bytes, r *HTTPRequest) (*Bytes, *HTTPResponse, error) {
	return httpHandshake(ctx, below, r, func(code int) bool { return code == 101 })
}

// HTTPConnect asks the HTTP proxy at the other end of a stream to connect it to an address, host:port, by CONNECT. header may
// be nil; it is where credentials go. HTTPConnect returns the stream, which now leads to the address. On an error the stream
// is closed.
func HTTPConnect(ctx context.Context, proxy *Bytes, address string, header textproto.MIMEHeader) (*Bytes, error) {
	r := &HTTPRequest{Method: "CONNECT", Target: address, Header: textproto.MIMEHeader{}}
	maps.Copy(r.Header, header)
	r.Header.Set("Host", address)
	b, _, err := httpHandshake(ctx, proxy, r, func(code int) bool { return code/100 == 2 })
	return b, err
}

func httpHandshake(ctx context.Context, below *Bytes, r *HTTPRequest, accepted func(code int) bool) (*Bytes, *HTTPResponse, error) {
	b, err := below.Take()
	if err != nil {
		return nil, nil, err
	}
	var response *HTTPResponse
	if err = r.Write(ctx, b); err == nil {
		response, err = ReadHTTPResponse(ctx, b)
	}
	if err == nil && !accepted(response.Code) {
		err = fmt.Errorf("%w: %s %s: refused with %d %s", ErrHTTP, r.Method, r.Target, response.Code, response.Reason)
	}
	if err != nil {
		_ = b.Close()
		return nil, response, err
	}
	return b, response, nil
}

// readHead reads the first line and the fields, and the empty line after them.
func readHead(ctx context.Context, b *Bytes) (first string, header textproto.MIMEHeader, err error) {
	left := MaxHTTPHead
	next := func() (string, error) {
		line, err := b.ReadUntil(ctx, crlf, max(0, left-len(crlf)))
		left -= len(line) + len(crlf)
		return string(line), err
	}
	if first, err = next(); err != nil {
		return "", nil, err
	}
	header = make(textproto.MIMEHeader)
	for {
		line, err := next()
		switch {
		case err != nil:
			return "", nil, noEnd(err)
		case line == "":
			return first, header, nil
		}
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !isToken(name) || !isText(value) {
			return "", nil, fmt.Errorf("%w: %.60q is not a field", ErrHTTP, line)
		}
		header.Add(name, value)
	}
}

func writeHead(ctx context.Context, b *Bytes, first string, header textproto.MIMEHeader) error {
	head := append([]byte(first), crlf...)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if !isToken(name) || !isText(value) {
				return fmt.Errorf("%w: %.60q cannot be a field", ErrHTTP, name+": "+value)
			}
			head = append(append(head, name+": "+value...), crlf...)
		}
	}
	if head = append(head, crlf...); len(head) > MaxHTTPHead {
		return fmt.Errorf("%w: %w: a head of %d bytes, at most %d are allowed", ErrHTTP, ErrTooLarge, len(head), MaxHTTPHead)
	}
	return b.Write(ctx, head)
}

func isVersion(s string) bool { return s == "HTTP/1.1" || s == "HTTP/1.0" }

func isTarget(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// isToken reports whether s is a token of RFC 9110, such as the name of a field.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isText reports whether s can be the value of a field.
func isText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
