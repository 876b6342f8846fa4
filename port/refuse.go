// SPDX-License-Identifier: MIT

package port

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/sprymq/spry/internal/wire/zmtp"
)

// A language is a protocol in which connections can be refused. It is an index of languages.
type language int

const (
	speaksNothing language = iota - 1
	speaksTLS
	speaksHTTP2
	speaksHTTP1
	speaksSP
	speaksZMTP
)

// languages follow the claims in each table, so that the protocol of an unclaimed connection is known before it is refused.
var languages = []Protocol{speaksTLS: RawTLS, speaksHTTP2: HTTP2, speaksHTTP1: HTTP1, speaksSP: SP, speaksZMTP: ZMTP}

var allLanguages = newTable(nil).all

// languageOf returns the protocol of a connection, whether it is claimed or not.
func languageOf(o opening) language {
	index, _ := dispatch(allLanguages, o)
	return language(index)
}

// lingerTime is how long a refused client may take to read the answer. A connection that is closed with unread bytes is reset,
// and the answer may be lost.
const lingerTime = time.Second

// maxDropped is how much of what a refused client sends is read.
const maxDropped = 256 << 10

// refuse answers a connection that is not delivered, in its own language. busy means that it is claimed, and may be tried again.
func (c *connection) refuse(w *window, spoken language, o opening, busy bool) {
	var answer []byte
	needsTLS := !o.secure && c.isClaimedWithTLS(o.first)
	switch {
	case spoken == speaksHTTP1 && busy:
		answer = httpAnswer("503 Service Unavailable", "Retry-After: 1\r\nConnection: close\r\n", "the server is busy; try again later")
	case busy || spoken == speaksSP: // the end says it all
	case spoken == speaksHTTP1 && needsTLS:
		answer = httpAnswer("426 Upgrade Required", "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade, close\r\n", "this service needs TLS: connect with https://")
	case spoken == speaksHTTP1:
		answer = httpAnswer("404 Not Found", "Connection: close\r\n", "nothing at this port speaks HTTP")
	case spoken == speaksHTTP2 && needsTLS:
		answer = goAway(inadequateSecurity, "this service needs TLS")
	case spoken == speaksHTTP2:
		answer = goAway(http11Required, "nothing at this port speaks HTTP/2")
	case spoken == speaksTLS:
		answer = handshakeFailure
	case spoken == speaksZMTP:
		if c.refuseZMTP(w.whole()) == nil {
			c.linger()
		}
		return
	default:
		return
	}
	_ = c.conn.SetDeadline(c.until(lingerTime))
	if len(answer) > 0 {
		if _, err := w.conn.Write(answer); err != nil {
			return
		}
	}
	if w.secure != nil {
		_ = w.secure.CloseWrite()
	}
	c.linger()
}

// until is the time after d, or the connection's deadline if that is earlier.
func (c *connection) until(d time.Duration) time.Time {
	if t := time.Now().Add(d); t.Before(c.deadline) {
		return t
	}
	return c.deadline
}

// isClaimedWithTLS reports whether a connection that began so would be claimed if it were secure.
func (c *connection) isClaimedWithTLS(first []byte) bool {
	return c.port.tls != nil && len(first) > 0 && slices.ContainsFunc(c.port.table.Load().claims, func(l *Listener) bool {
		if l.protocol.Match == nil {
			return false
		}
		yes, _ := l.protocol.Match(first)
		return yes
	})
}

// linger lets the client read the answer.
func (c *connection) linger() {
	half, ok := c.conn.(halfCloser)
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.conn.SetReadDeadline(c.until(lingerTime))
	_, _ = io.CopyN(io.Discard, c.conn, maxDropped)
}

// httpAnswer is an answer of HTTP/1.1. Each line of header ends with CR LF.
func httpAnswer(status, header, text string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\n\r\n%s\n",
		status, header, len(text)+1, text)
}

// Errors of HTTP/2.
const (
	inadequateSecurity = 0xc
	http11Required     = 0xd
)

// goAway is what a server of HTTP/2 sends to end a connection at once: its settings, and GOAWAY.
func goAway(code uint32, text string) []byte {
	b := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	b = append(b, 0, 0, byte(8+len(text)), 7, 0, 0, 0, 0, 0)
	b = append(b, 0, 0, 0, 0) // no stream was begun
	b = binary.BigEndian.AppendUint32(b, code)
	return append(b, text...)
}

// handshakeFailure is a record with the fatal alert 40.
var handshakeFailure = []byte{0x15, 3, 1, 0, 2, 2, 40}

// refuseZMTP takes the greeting of a peer and answers it with an ERROR.
func (c *connection) refuseZMTP(conn net.Conn) error {
	_ = c.conn.SetDeadline(c.until(lingerTime))
	no := zmtp.Refusal{Reason: "no socket at this port speaks ZMTP"}
	for in := make([]byte, 64); ; {
		n, err := conn.Read(in)
		if n == 0 && err != nil {
			return err
		}
		_, out, done, err := no.Step(in[:n])
		if err != nil {
			return err
		}
		if _, err := conn.Write(out); err != nil || done {
			return err
		}
	}
}
