// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

const (
	pullOverWS = "pull.sp.nanomsg.org"
	headLimit  = 16 << 10 // of a request
)

// webSocketRequests are the classes 45 and 46: requests that are refused, or never end.
func webSocketRequests(secured bool) (cs []malformed) {
	add := func(name string, reason spry.Reason, do func(testing.TB, *testkit.Bare)) {
		cs = append(cs, malformed{name: name, reason: reason, kind: spry.EventReject, do: do})
	}
	say := func(name string, reason spry.Reason, text string) {
		add(name, reason, func(_ testing.TB, b *testkit.Bare) { _, _ = b.Write([]byte(text)) }) // refused before all of it is read
	}
	ask := func(name string, reason spry.Reason, edits ...string) {
		say(name, reason, testkit.WebSocketRequest(pullOverWS, edits...))
	}
	ask("45 no key", "bad_header", "Sec-WebSocket-Key:")
	ask("45 a short key", "bad_header", "Sec-WebSocket-Key: x")
	ask("45 two keys", "bad_header", "X: y\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	ask("45 no version", "version", "Sec-WebSocket-Version:")
	ask("45 version 8", "version", "Sec-WebSocket-Version: 8")
	ask("45 no subprotocol", "role_mismatch", "Sec-WebSocket-Protocol:")
	ask("45 another subprotocol", "role_mismatch", "Sec-WebSocket-Protocol: push.sp.nanomsg.org")
	ask("45 a mechanism that is not there", "role_mismatch", "Sec-WebSocket-Protocol: ZWS2.0/CURVE")
	ask("45 no upgrade", "bad_header", "Upgrade:")
	ask("45 another upgrade", "bad_header", "Upgrade: h2c")
	ask("45 no connection", "bad_header", "Connection: close")
	ask("45 a body", "bad_header", "Content-Length: 5")
	ask("45 a body in chunks", "bad_header", "Transfer-Encoding: chunked")
	ask("45 both kinds of bodies", "bad_header", "Transfer-Encoding: chunked", "Content-Length: 5")
	ask("45 a header without a colon", "bad_header", "X: y\r\nno colon here")
	ask("45 no host", "bad_header", "Host:")
	for name, head := range map[string]string{
		"another path": "GET /other HTTP/1.1", "POST": "POST / HTTP/1.1", "HTTP/1.0": "GET / HTTP/1.0", "HTTP/3": "GET / HTTP/3.0",
		"no HTTP": "GET /", "a path that climbs": "GET /../ HTTP/1.1", "a URL": "GET http://localhost/other HTTP/1.1",
	} {
		reason := spry.Reason("bad_header")
		if name == "HTTP/1.0" || name == "HTTP/3" {
			reason = "version"
		}
		say("45 "+name, reason, strings.Replace(testkit.WebSocketRequest(pullOverWS), "GET / HTTP/1.1", head, 1))
	}
	say("45 HTTP/2", "bad_header", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	say("45 a header of SP", "bad_header", string(testkit.Header(spry.ProtocolPush)))
	say("45 a greeting of ZMTP", "bad_header", testkit.Greet)

	ask("46 a huge header", "bad_header", "X: "+strings.Repeat("x", 20*headLimit))
	ask("46 many headers", "bad_header", "X: "+strings.Repeat("y\r\nX: ", headLimit))
	ask("46 the same header many times", "bad_header", "Cookie: "+strings.Repeat("a=b\r\nCookie: ", headLimit))
	say("46 a request without an end", "bad_header", strings.Repeat("G", 20*headLimit))
	say("46 a path without an end", "bad_header", "GET /"+strings.Repeat("x", 20*headLimit))
	say("46 empty lines", "bad_header", strings.Repeat("\r\n", 10*headLimit))
	say("46 half a request", "timeout", testkit.WebSocketRequest(pullOverWS)[:100])
	say("46 all but the last byte", "timeout", strings.TrimSuffix(testkit.WebSocketRequest(pullOverWS), "\n"))
	add("46 half a request, then the end", "early_eof", func(t testing.TB, b *testkit.Bare) {
		b.Say(t, []byte("GET / HTTP/1.1\r\nHost: x\r\n"))
		closeWrite(t, b)
	})
	add("46 a slow request", "timeout", func(t testing.TB, b *testkit.Bare) {
		for _, line := range strings.SplitAfter(testkit.WebSocketRequest(pullOverWS), "\n") { // each in time
			if _, err := b.Write([]byte(line)); err != nil {
				return
			}
			time.Sleep(malformedTimeout / 4)
		}
	})

	ask("45 another origin", "refused", "Origin: https://evil.example")
	ask("45 the origin null", "refused", "Origin: null")
	ask("45 two origins", "refused", "Origin: http://localhost\r\nOrigin: http://evil.example")
	ask("45 an origin that only begins like the host", "refused", "Origin: http://localhost.evil.example")
	ask("45 an origin with the host as its user", "refused", "Origin: http://localhost@evil.example")
	ask("45 a name that was bound to this address", "refused", "Host: evil.example", "Origin: http://evil.example")
	ask("45 a bound name that looks like localhost", "refused", "Host: localhost.evil.example", "Origin: http://localhost.evil.example")
	ask("45 a bound name with a port", "refused", "Host: evil.example:80", "Origin: http://evil.example:80")
	ask("45 no host of the origin", "refused", "Origin: file://")
	ask("45 two hosts", "bad_header", "Host: localhost\r\nHost: evil.example", "Origin: http://evil.example")
	if secured {
		cs = append(cs, malformed{name: "45 no TLS", reason: "security", kind: spry.EventReject, below: true, do: func(t testing.TB, b *testkit.Bare) {
			b.Say(t, []byte(testkit.WebSocketRequest(pullOverWS)))
		}}, malformed{name: "1 nothing", reason: "timeout", kind: spry.EventReject, below: true, do: func(testing.TB, *testkit.Bare) {}})
	} else {
		say("1 nothing", "timeout", "")
		add("6 TLS on a plain listener", "bad_header", tlsHello)
	}
	return cs
}

// A speech is a way to begin a WebSocket.
type speech struct {
	name, subprotocol string
	begin             string // frames after the upgrade
	flags             string // before each message
	early             bool   // the handshake is not complete: breaches are rejections
}

var speeches = []speech{
	{name: "SP", subprotocol: pullOverWS},
	{name: "ZWS without READY", subprotocol: "ZWS2.0/NULL", flags: "\x00", early: true},
	{name: "ZWS", subprotocol: "ZWS2.0/NULL", begin: testkit.WebSocketMessage("\x02" + testkit.ReadyAs("PUSH")[2:]), flags: "\x00"},
	{name: "bare ZWS", subprotocol: "ZWS2.0", begin: testkit.WebSocketMessage("\x00"), flags: "\x00"},
}

// open upgrades a connection, and does the handshake that the dialect has behind that.
func (s speech) open(t testing.TB, b *testkit.Bare) {
	t.Helper()
	b.Upgrade(t, s.subprotocol)
	if s.begin == "" {
		return
	}
	b.Say(t, []byte(s.begin))
	head := make([]byte, 2) // of the listener's part, which is short
	_, err := io.ReadFull(b, head)
	testkit.Check(t, err)
	_, err = io.ReadFull(b, make([]byte, head[1]))
	testkit.Check(t, err)
}

// webSocketFrames are the classes 47 to 50: what breaks the framing is counted, in all dialects.
func webSocketFrames(s speech) (cs []malformed) {
	frame, message := testkit.WebSocketFrame, testkit.WebSocketMessage
	say := func(name string, reason spry.Reason, frames string) {
		kind := spry.EventPipeDown
		if s.early {
			kind = spry.EventReject
		}
		cs = append(cs, malformed{name: s.name + ": " + name, reason: reason, kind: kind, do: func(t testing.TB, b *testkit.Bare) {
			s.open(t, b)
			_, _ = b.Write([]byte(frames)) // ended before all of it is read
		}})
	}
	head := func(first byte, length uint64) string {
		return string(binary.BigEndian.AppendUint64([]byte{first, 0xff}, length)) + "\x01\x02\x03\x04"
	}
	say("47 length 2^63", "frame_type", head(0x82, 1<<63))
	say("47 length 2^64-1", "frame_type", head(0x82, 1<<64-1))
	say("47 length 2^63-1", "oversize", head(0x82, 1<<63-1))
	say("47 length above the limit", "oversize", frame(wsframe.Binary, false, strings.Repeat("x", malformedLimit+2)))
	say("47 fragments above the limit", "oversize", frame(wsframe.Binary, false, strings.Repeat("x", 600))+frame(wsframe.Continuation, false, strings.Repeat("x", 600)))
	say("47 a fragment that makes 2^63", "oversize", frame(wsframe.Binary, false, "x")+head(0, 1<<63-1))
	say("47 tiny fragments above the limit", "oversize", frame(wsframe.Binary, false, "x")+strings.Repeat(frame(wsframe.Continuation, false, "y"), 2*malformedLimit))
	say("47 empty fragments", "frame_type", frame(wsframe.Binary, false, "")+strings.Repeat(frame(wsframe.Continuation, false, ""), 2000))
	say("47 a length of 5 in two bytes", "frame_type", "\x82\xfe\x00\x05\x01\x02\x03\x04hello")
	say("47 a length of 5 in eight bytes", "frame_type", head(0x82, 5)+"hello")
	say("48 no mask", "frame_type", "\x82\x05hello")
	for bit := byte(0x10); bit <= 0x40; bit <<= 1 {
		say(fmt.Sprintf("48 reserved bit %02x", bit), "frame_type", string([]byte{0x82 | bit})+"\x80\x01\x02\x03\x04")
	}
	for _, op := range []wsframe.Opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		say(fmt.Sprintf("48 opcode %d", op), "frame_type", frame(op, true, ""))
		say(fmt.Sprintf("48 opcode %d within a message", op), "frame_type", frame(wsframe.Binary, false, s.flags)+frame(op, true, ""))
	}
	for _, op := range []wsframe.Opcode{wsframe.Close, wsframe.Ping, wsframe.Pong} {
		say(fmt.Sprintf("49 control frame %d in fragments", op), "frame_type", frame(op, false, ""))
		say(fmt.Sprintf("49 control frame %d of 126 bytes", op), "frame_type", frame(op, true, strings.Repeat("x", 126)))
		say(fmt.Sprintf("49 control frame %d of 2^63-1 bytes", op), "frame_type", head(0x80|byte(op), 1<<63-1))
	}
	for name, payload := range map[string]string{
		"of one byte": "\x03", "1005": "\x03\xed", "1004": "\x03\xec", "1006": "\x03\xee", "999": "\x03\xe7", "1015": "\x03\xf7", "5000": "\x13\x88",
	} {
		say("50 close frame "+name, "frame_type", frame(wsframe.Close, true, payload))
	}
	say("50 close frame without UTF-8", "not_text", frame(wsframe.Close, true, "\x03\xe8\xff"))
	say("50 close frame for an error", "peer_error", frame(wsframe.Close, true, "\x03\xeaI do not understand"))
	say("50 text", "frame_type", frame(wsframe.Text, true, s.flags+"hello"))
	say("50 text in fragments", "frame_type", frame(wsframe.Text, false, s.flags+"hello"))
	say("50 a continuation of nothing", "frame_type", frame(wsframe.Continuation, true, "x"))
	say("50 a message within a message", "frame_type", frame(wsframe.Binary, false, s.flags)+message(s.flags))
	say("50 a second request", "frame_type", testkit.WebSocketRequest(s.subprotocol))
	if s.early {
		return append(cs, malformed{name: s.name + ": silence", reason: "timeout", kind: spry.EventReject, do: func(t testing.TB, b *testkit.Bare) { b.Upgrade(t, s.subprotocol) }})
	}
	if s.flags != "" {
		say("a message without flags", "frame_type", message(""))
		say("flags of another version", "frame_type", message("\x04x"))
	}
	return append(cs, webSocketOddities(s)...)
}

// webSocketOddities are legal: their messages are delivered, and they end in an orderly way.
func webSocketOddities(s speech) (cs []malformed) {
	frame, message := testkit.WebSocketFrame, testkit.WebSocketMessage
	legal := func(name string, bodies int, do func(t testing.TB, b *testkit.Bare)) {
		cs = append(cs, malformed{name: s.name + ": " + name, reason: "eof", kind: spry.EventPipeDown, bodies: bodies, do: do})
	}
	say := func(name string, bodies int, frames string) {
		legal(name, bodies, func(t testing.TB, b *testkit.Bare) {
			s.open(t, b)
			b.Say(t, []byte(frames))
		})
	}
	bye := frame(wsframe.Close, true, "\x03\xe8")
	one := message(s.flags + "bad but legal")
	legal("data right behind the request", 2, func(t testing.TB, b *testkit.Bare) {
		b.Say(t, []byte(testkit.WebSocketRequest(s.subprotocol)+s.begin+one+one+bye))
		b.Upgraded(t)
	})
	legal("headers as they are rarely written", 1, func(t testing.TB, b *testkit.Bare) {
		b.Say(t, []byte(testkit.WebSocketRequest(" none , "+s.subprotocol, "Connection: keep-alive, UPGRADE", "Upgrade: WebSocket", "Sec-WebSocket-Extensions: permessage-deflate", "Origin: http://LOCALHOST")))
		b.Upgraded(t)
		b.Say(t, []byte(s.begin+one+bye))
	})
	legal("the end of the connection", 1, func(t testing.TB, b *testkit.Bare) {
		s.open(t, b)
		b.Say(t, []byte(one))
		closeWrite(t, b)
	})
	say("a close frame, and more behind it", 1, one+bye+one)
	say("a close frame without a status", 1, one+frame(wsframe.Close, true, ""))
	say("going away", 1, one+frame(wsframe.Close, true, "\x03\xe9page closed"))
	say("pongs that nobody asked for", 1, strings.Repeat(frame(wsframe.Pong, true, "x"), 100)+one+bye)
	say("pings within a message", 1, frame(wsframe.Binary, false, s.flags+"bad")+frame(wsframe.Ping, true, "?")+frame(wsframe.Continuation, false, "")+frame(wsframe.Ping, true, "")+frame(wsframe.Continuation, true, " but legal")+bye)
	say("one byte in each fragment", 1, frame(wsframe.Binary, false, s.flags)+strings.Repeat(frame(wsframe.Continuation, false, "x"), malformedLimit-1)+frame(wsframe.Continuation, true, "x")+bye)
	return cs
}

// T03 for WebSocket: requests and frames of the classes 45 to 50, in both dialects, are each refused for their reason, while good
// clients of both lose nothing on the same listener.
func TestMalformedWebSocketsAreRefused(t *testing.T) {
	leak.Check(t)
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel() // it waits for timeouts
			ctx, stop := context.WithCancel(testkit.Watchdog(t))
			defer stop()
			o := spry.Options{Transports: []transport.Transport{ws.Transport{}}, HandshakeTimeout: malformedTimeout, MaxMessageSize: malformedLimit}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			older, newer := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
			testkit.CloseAll(t, older, newer, pull)
			seen := watch(ctx, pull)
			e := testkit.ListenOn(t, pull, scheme)
			testkit.DialTo(t, older, e)
			d := testkit.DialerTo(e)
			d.URL = "zmtp+" + d.URL
			_, err := newer.DialWith(ctx, d)
			testkit.Check(t, err)
			classes := webSocketRequests(scheme == "wss")
			for _, s := range speeches {
				classes = append(classes, webSocketFrames(s)...)
			}
			breaking(ctx, t, pull, e, seen, classes, goodClients(ctx, t, pull, older, newer))
		})
	}
}
