// SPDX-License-Identifier: MIT

package testkit

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/wsframe"
)

// WebSocketRequest is a good request for a WebSocket with a subprotocol, but for its edits: a header line replaces the one with
// the same name, a name and a colon alone remove it, and other lines are added.
func WebSocketRequest(subprotocol string, edits ...string) string {
	lines := []string{
		"GET / HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: " + subprotocol,
	}
	for _, edit := range edits {
		name, value, _ := strings.Cut(edit, ":")
		kept := lines[:0:0]
		for _, line := range lines {
			if !strings.HasPrefix(line, name+":") {
				kept = append(kept, line)
			}
		}
		if lines = kept; value != "" {
			lines = append(lines, edit)
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// WebSocketFrame is a frame of a client.
func WebSocketFrame(op wsframe.Opcode, final bool, payload string) string {
	h := wsframe.Header{Opcode: op, Final: final, Masked: true, Key: [4]byte{1, 2, 3, 4}, Length: int64(len(payload))}
	frame := append(wsframe.AppendHeader(nil, h), payload...)
	wsframe.Mask(h.Key, 0, frame[len(frame)-len(payload):])
	return string(frame)
}

// WebSocketMessage is a message of a client in one frame.
func WebSocketMessage(payload string) string { return WebSocketFrame(wsframe.Binary, true, payload) }

// Upgrade asks for a WebSocket, and reads the answer. The next byte that comes is one of a frame.
func (b *Bare) Upgrade(t testing.TB, subprotocol string) {
	t.Helper()
	b.Say(t, []byte(WebSocketRequest(subprotocol)))
	b.Upgraded(t)
}

// Upgraded reads the answer to a good request.
func (b *Bare) Upgraded(t testing.TB) {
	t.Helper()
	Check(t, b.SetReadDeadline(time.Now().Add(Patience)))
	var head []byte
	for c := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, c[0]) {
		if _, err := b.Read(c); err != nil {
			t.Fatalf("the answer to an upgrade is %q, then %v", head, err)
		}
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 101 ") {
		t.Fatalf("the answer to an upgrade is %q", head)
	}
	Check(t, b.SetReadDeadline(time.Time{}))
}

// AnswerUpgrade is the part of a server: it reads a request for a WebSocket, and agrees to its first subprotocol. The lines are
// further headers of the answer.
func (b *Bare) AnswerUpgrade(t testing.TB, lines ...string) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(b)) // a client says no more before it is answered
	Check(t, err)
	_, err = fmt.Fprintf(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
		wsframe.Accept(r.Header.Get("Sec-WebSocket-Key")), firstWord(r.Header.Get("Sec-WebSocket-Protocol")), strings.Join(append(lines, ""), "\r\n"))
	Check(t, err)
}

func firstWord(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// WebSocketTo has s dial a server in memory, which is the returned Bare after its upgrade. Bytes that it has written were read.
func WebSocketTo(t testing.TB, s Socket, scheme string, serve func(b *Bare)) *Bare {
	t.Helper()
	near, far := net.Pipe()
	b := &Bare{Conn: far}
	t.Cleanup(func() { _ = b.Close() })
	var serving sync.WaitGroup
	serving.Go(func() { b.AnswerUpgrade(t); serve(b) })
	_, err := s.DialWith(Watchdog(t), &spry.DialConfig{URL: scheme + "://peer.test/", DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
	serving.Wait()
	Check(t, err)
	return b
}
