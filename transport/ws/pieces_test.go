// SPDX-License-Identifier: MIT

package ws

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// An answering script is a server: what is read depends on the request that was written.
type answering struct {
	script
	from func(key string) io.Reader
}

func (a *answering) Read(p []byte) (int, error) {
	if a.in == nil {
		r, err := http.ReadRequest(bufio.NewReader(&a.out))
		if err != nil {
			return 0, err
		}
		a.in = a.from(r.Header.Get("Sec-WebSocket-Key"))
	}
	return a.script.Read(p)
}

// T29: the upgrade and every kind of frame may be cut anywhere, and come byte by byte: both ends read the same messages, in both
// dialects.
func TestUpgradeAndFramesCutAnywhere(t *testing.T) {
	zmtp := transport.Offer{Dialect: "zmtp", Hello: pullOffer.Hello, Mechanism: "NULL", MaxMessage: 1 << 20}
	for _, offer := range []transport.Offer{pullOffer, zmtp} {
		for _, client := range []bool{false, true} {
			frames, want := everyFrame(!client)
			head := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + subprotocol(offer, offer.Name) + "\r\n\r\n"
			if client {
				head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + strings.Repeat("x", 28) + "\r\nSec-WebSocket-Protocol: " + subprotocol(offer, offer.PeerName) + "\r\n\r\n"
			}
			whole := []byte(head + frames)
			for cut := -1; cut <= len(whole); cut++ {
				conn := &answering{from: func(key string) io.Reader {
					b := bytes.Replace(whole, []byte(strings.Repeat("x", 28)), []byte(wsframe.Accept(key)), 1)
					if cut < 0 {
						return iotest.OneByteReader(bytes.NewReader(b))
					}
					return io.MultiReader(bytes.NewReader(b[:cut]), bytes.NewReader(b[cut:]))
				}}
				if !client {
					conn.in = conn.from("")
				}
				got, err := upgradedMessages(t, conn, client, offer)
				if err != io.EOF || strings.Join(got, "|") != want {
					t.Fatalf("%s, client %v, cut at %d of %d: %.100q, %v; want %.100q", offer.Dialect, client, cut, len(whole), got, err, want)
				}
			}
			t.Logf("T29 ws: %s, client %v: %d ways to cut %d bytes", offer.Dialect, client, len(whole)+2, len(whole))
		}
	}
}

// everyFrame is a stream of all kinds of frames, with each form of lengths, and its messages, separated by bars.
func everyFrame(masked bool) (stream, messages string) {
	var b []byte
	put := func(op wsframe.Opcode, final bool, payload string) {
		h := wsframe.Header{Opcode: op, Final: final, Masked: masked, Key: [4]byte{9, 8, 7, 6}, Length: int64(len(payload))}
		b = append(wsframe.AppendHeader(b, h), payload...)
		if masked {
			wsframe.Mask(h.Key, 0, b[len(b)-len(payload):])
		}
	}
	long := strings.Repeat("long", 70)
	put(wsframe.Binary, true, "short")
	put(wsframe.Ping, true, "ping")
	put(wsframe.Binary, true, "")
	put(wsframe.Binary, false, "begin ")
	put(wsframe.Pong, true, "")
	put(wsframe.Continuation, false, "")
	put(wsframe.Continuation, false, long)
	put(wsframe.Ping, true, strings.Repeat("p", wsframe.MaxControl))
	put(wsframe.Continuation, true, " end")
	put(wsframe.Binary, true, long)
	put(wsframe.Close, true, "\x03\xe8bye")
	return string(b), strings.Join([]string{"short", "", "begin " + long + " end", long}, "|")
}

// upgradedMessages does the handshake of a link on a connection, and reads messages to the end.
func upgradedMessages(t *testing.T, conn *answering, client bool, offer transport.Offer) (messages []string, err error) {
	t.Helper()
	k := newLink(&transport.Stream{Conn: conn}, client)
	if client {
		k.request = Transport{}.request(&address{host: "x", path: "/"})
	} else {
		k.server = listeningAt("/")
	}
	defer k.Close()
	if _, _, err := k.Handshake(t.Context(), []transport.Offer{offer}, !client); err != nil {
		return nil, err
	}
	dst := make([][]byte, 2)
	for {
		n, err := k.ReadMessages(dst, func(have []byte, size int) []byte { return append(make([]byte, 0, size), have...)[:size] })
		for _, m := range dst[:n] {
			messages = append(messages, string(m))
		}
		if err != nil {
			return messages, err
		}
	}
}
