// SPDX-License-Identifier: MIT

package ws_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// options are those of sockets with the transport.
func options() spry.Options {
	return spry.Options{Transports: []transport.Transport{ws.Transport{}}}
}

// A browser is a client that speaks bytes.
type browser struct {
	net.Conn
	in *bufio.Reader
}

// visit connects to a listener and sends a request with these lines.
func visit(t *testing.T, e *spry.Endpoint, lines ...string) *browser {
	t.Helper()
	c, err := net.Dial("tcp", e.Addr().String())
	testkit.Check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n")
	testkit.Check(t, err)
	return &browser{c, bufio.NewReader(c)}
}

// request is a good request for a subprotocol; lines replace those of the same header, or are added.
func request(path, subprotocol string, lines ...string) []string {
	all := []string{
		"GET " + path + " HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: " + subprotocol,
	}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ":")
		replaced := false
		for i := range all {
			if strings.HasPrefix(all[i], name+":") {
				all[i], replaced = line, true
			}
		}
		if !replaced {
			all = append(all, line)
		}
	}
	return all
}

// answer reads the answer to a request.
func (b *browser) answer(t *testing.T) *http.Response {
	t.Helper()
	r, err := http.ReadResponse(b.in, nil)
	testkit.Check(t, err)
	_ = r.Body.Close()
	return r
}

// upgraded is a browser whose request for pull was taken.
func upgraded(t *testing.T, e *spry.Endpoint) *browser {
	t.Helper()
	b := visit(t, e, request("/", "pull.sp.nanomsg.org")...)
	if r := b.answer(t); r.StatusCode != http.StatusSwitchingProtocols { //nolint:bodyclose // answer closes it
		t.Fatalf("the answer is %s", r.Status)
	}
	return b
}

// send writes a masked frame.
func (b *browser) send(t *testing.T, op wsframe.Opcode, final bool, payload string) {
	t.Helper()
	h := wsframe.Header{Opcode: op, Final: final, Masked: true, Key: [4]byte{1, 2, 3, 4}, Length: int64(len(payload))}
	frame := append(wsframe.AppendHeader(nil, h), payload...)
	wsframe.Mask(h.Key, 0, frame[len(frame)-len(payload):])
	_, err := b.Write(frame)
	testkit.Check(t, err)
}

// frame reads a frame.
func (b *browser) frame(t *testing.T) (wsframe.Header, []byte) {
	t.Helper()
	for size := 2; ; size++ {
		head, err := b.in.Peek(size)
		if err != nil {
			t.Fatalf("no frame comes: %v", err)
		}
		h, n, err := wsframe.ParseHeader(head, false)
		testkit.Check(t, err)
		if n > 0 {
			payload := make([]byte, h.Length)
			_, _ = b.in.Discard(n)
			_, err = io.ReadFull(b.in, payload)
			testkit.Check(t, err)
			return h, payload
		}
	}
}

func pulling(t *testing.T, o spry.Options) (*spry.Pull, *spry.Endpoint) {
	t.Helper()
	leak.Check(t)
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	testkit.CloseAll(t, pull)
	return pull, testkit.ListenOn(t, pull, "ws")
}

func TestAnswersToRequests(t *testing.T) {
	_, e := pulling(t, options())
	for _, tc := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"good", request("/", "pull.sp.nanomsg.org"), 101},
		{"a list", request("/", "foo, pull.sp.nanomsg.org"), 101},
		{"a query", request("/?token=x", "pull.sp.nanomsg.org"), 101},
		{"no upgrade", []string{"GET / HTTP/1.1", "Host: localhost"}, 426},
		{"another path", request("/x", "pull.sp.nanomsg.org"), 404},
		{"another protocol", request("/", "rep.sp.nanomsg.org"), 400},
		{"no protocol", request("/", ""), 400},
		{"another version", request("/", "pull.sp.nanomsg.org", "Sec-WebSocket-Version: 8"), 426},
		{"no key", request("/", "pull.sp.nanomsg.org", "Sec-WebSocket-Key: x"), 400},
		{"a body", request("/", "pull.sp.nanomsg.org", "Content-Length: 3"), 400},
		{"no HTTP", []string{"\x00SP\x00\x00\x50\x00\x00"}, 400},
		{"HTTP/2", []string{"PRI * HTTP/2.0"}, 405},
		{"a bomb", request("/", "pull.sp.nanomsg.org", "X-Bomb: "+strings.Repeat("x", 1<<20)), 431},
		{"a page of this host", request("/", "pull.sp.nanomsg.org", "Origin: http://localhost"), 101},
		{"a page of another host", request("/", "pull.sp.nanomsg.org", "Origin: http://evil.example"), 403},
		{"a page of a host that was rebound", request("/", "pull.sp.nanomsg.org", "Host: evil.example", "Origin: http://evil.example"), 403},
		{"a page of no host", request("/", "pull.sp.nanomsg.org", "Origin: null"), 403},
	} {
		c, err := net.Dial("tcp", e.Addr().String())
		testkit.Check(t, err)
		go func() { _, _ = io.WriteString(c, strings.Join(tc.lines, "\r\n")+"\r\n\r\n") }()
		r, err := http.ReadResponse(bufio.NewReader(c), nil) //nolint:bodyclose // the connection is closed
		if err != nil || r.StatusCode != tc.status {
			t.Errorf("%s: %v, %v; want %d", tc.name, r, err, tc.status)
		} else if r.StatusCode == http.StatusUpgradeRequired && (r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Sec-WebSocket-Version") != "13") {
			t.Errorf("%s: the answer has the headers %v", tc.name, r.Header)
		}
		_ = c.Close()
	}
}

func TestOriginsOfTheApplication(t *testing.T) {
	o := options()
	o.Transports = []transport.Transport{ws.Transport{Origins: []string{"https://example.com"}}}
	_, e := pulling(t, o)
	for origin, status := range map[string]int{"https://example.com": 101, "http://example.com": 403, "http://localhost": 403} {
		if r := visit(t, e, request("/", "pull.sp.nanomsg.org", "Origin: "+origin)...).answer(t); r.StatusCode != status { //nolint:bodyclose // answer closes it
			t.Errorf("%s: %s", origin, r.Status)
		}
	}
}

// Fragments make one message, with control frames between them.
func TestFragments(t *testing.T) {
	pull, e := pulling(t, options())
	b := upgraded(t, e)
	big := strings.Repeat("0123456789abcdef", 5000)
	b.send(t, wsframe.Binary, false, "a")
	b.send(t, wsframe.Ping, true, "are you there?")
	b.send(t, wsframe.Continuation, false, "")
	b.send(t, wsframe.Continuation, false, big)
	b.send(t, wsframe.Continuation, true, "z")
	b.send(t, wsframe.Binary, true, "")
	b.send(t, wsframe.Binary, true, big)
	b.send(t, wsframe.Binary, true, "last")
	for _, want := range []string{"a" + big + "z", "", big, "last"} {
		got, err := pull.Recv(testkit.Watchdog(t))
		if err != nil || string(got) != want {
			t.Fatalf("%d bytes came, %v; %d were sent", len(got), err, len(want))
		}
	}
	if h, payload := b.frame(t); h.Opcode != wsframe.Pong || string(payload) != "are you there?" {
		t.Errorf("the answer to a ping is %+v with %q", h, payload)
	}
	b.send(t, wsframe.Close, true, "\x03\xe8")
	if h, payload := b.frame(t); h.Opcode != wsframe.Close || !bytes.HasPrefix(payload, []byte{3, 0xe8}) {
		t.Errorf("the answer to a close frame is %+v with %x", h, payload)
	}
}

// From the second message on, the reader has memory for all fragments, and reads the next header together with a fragment.
func TestLargeMessagesInFragments(t *testing.T) {
	pull, e := pulling(t, options())
	b := upgraded(t, e)
	for i, sizes := range [][]int{{64 << 10, 64 << 10, 30000}, {64 << 10, 64 << 10, 30000}, {1, 100_000, 5, 0, 50_000}, {200}, {90_000, 90_000}} {
		message := make([]byte, 0, 200_000)
		for len(message) < 180_000 {
			message = append(message, byte(len(message)), byte(len(message)>>8), byte(i), byte(len(message)>>16))
		}
		sent := make(chan struct{})
		end := 0
		for _, size := range sizes {
			end += size
		}
		go func() {
			defer close(sent)
			at := 0
			for j, size := range sizes {
				kind := wsframe.Continuation
				if j == 0 {
					kind = wsframe.Binary
				}
				b.send(t, kind, j == len(sizes)-1, string(message[at:at+size]))
				at += size
				b.send(t, wsframe.Pong, true, "nobody asked")
			}
		}()
		got, err := pull.Recv(testkit.Watchdog(t))
		if err != nil || !bytes.Equal(got, message[:end]) {
			t.Fatalf("message %d: %d bytes came, %v; %d were sent", i, len(got), err, end)
		}
		<-sent
	}
}

// Every frame may be cut anywhere.
func TestFramesCutAnywhere(t *testing.T) {
	pull, e := pulling(t, options())
	b := upgraded(t, e)
	var all []byte
	for _, f := range []struct {
		h       wsframe.Header
		payload string
	}{
		{wsframe.Header{Opcode: wsframe.Binary, Final: true}, "whole"},
		{wsframe.Header{Opcode: wsframe.Binary}, "begin"},
		{wsframe.Header{Opcode: wsframe.Ping, Final: true}, "ping"},
		{wsframe.Header{Opcode: wsframe.Continuation, Final: true}, strings.Repeat("e", 200)},
	} {
		f.h.Masked, f.h.Key, f.h.Length = true, [4]byte{9, 8, 7, 6}, int64(len(f.payload))
		all = append(wsframe.AppendHeader(all, f.h), f.payload...)
		wsframe.Mask(f.h.Key, 0, all[len(all)-len(f.payload):])
	}
	for cut := range len(all) + 1 {
		_, err := b.Write(all[:cut])
		testkit.Check(t, err)
		_, err = b.Write(all[cut:])
		testkit.Check(t, err)
		for _, want := range []string{"whole", "begin" + strings.Repeat("e", 200)} {
			if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(got) != want {
				t.Fatalf("cut at %d: %q, %v", cut, got, err)
			}
		}
	}
}

// A peer that breaks the protocol is told so, counted, and gone.
func TestBreaches(t *testing.T) {
	o := options()
	o.MaxMessageSize = 1000
	pull, e := pulling(t, o)
	counted := make(map[spry.Reason]uint64)
	for _, tc := range []struct {
		name   string
		send   func(b *browser)
		code   wsframe.StatusCode
		reason spry.Reason
	}{
		{"text", func(b *browser) { b.send(t, wsframe.Text, true, "hello") }, wsframe.StatusUnsupported, spry.ReasonFrameType},
		{"a continuation of nothing", func(b *browser) { b.send(t, wsframe.Continuation, true, "x") }, wsframe.StatusProtocolError, spry.ReasonFrameType},
		{"no mask", func(b *browser) { _, _ = b.Write([]byte{0x82, 1, 'x'}) }, wsframe.StatusProtocolError, spry.ReasonFrameType},
		{"a reserved bit", func(b *browser) { _, _ = b.Write([]byte{0xc2, 0x80}) }, wsframe.StatusProtocolError, spry.ReasonFrameType},
		{"too large", func(b *browser) { b.send(t, wsframe.Binary, true, strings.Repeat("x", 1001)) }, wsframe.StatusTooLarge, spry.ReasonOversize},
		{"announced too large", func(b *browser) {
			_, _ = b.Write([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
		}, wsframe.StatusTooLarge, spry.ReasonOversize},
		{"too large in fragments", func(b *browser) {
			b.send(t, wsframe.Binary, false, strings.Repeat("x", 600))
			b.send(t, wsframe.Continuation, true, strings.Repeat("x", 600))
		}, wsframe.StatusTooLarge, spry.ReasonOversize},
		{"empty fragments", func(b *browser) {
			b.send(t, wsframe.Binary, false, "")
			for range 1001 {
				_, _ = b.Write([]byte{0, 0x80, 0, 0, 0, 0})
			}
		}, wsframe.StatusPolicy, spry.ReasonFrameType},
	} {
		b := upgraded(t, e)
		tc.send(b)
		h, payload := b.frame(t)
		code, _, err := wsframe.ParseClose(payload)
		if h.Opcode != wsframe.Close || err != nil || code != tc.code {
			t.Errorf("%s: the answer is %+v with %q", tc.name, h, payload)
		}
		counted[tc.reason]++
		testkit.Eventually(t, tc.name+" is counted", func() bool { return pull.Stats().Rejected[tc.reason] == counted[tc.reason] })
	}
}

// A flood of pings is answered by its latest, and holds nobody up.
func TestPingFlood(t *testing.T) {
	pull, e := pulling(t, options())
	b := upgraded(t, e)
	for range 20_000 {
		b.send(t, wsframe.Ping, true, strings.Repeat("p", wsframe.MaxControl))
	}
	b.send(t, wsframe.Ping, true, "the latest")
	b.send(t, wsframe.Binary, true, "after the flood")
	if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(got) != "after the flood" {
		t.Fatalf("%q, %v", got, err)
	}
	for n := 0; ; n++ {
		if h, payload := b.frame(t); h.Opcode != wsframe.Pong {
			t.Fatalf("%+v answers a ping", h)
		} else if string(payload) == "the latest" {
			t.Logf("%d pongs answer 20,001 pings", n+1)
			return
		}
	}
}

// A URL of a transport that the socket does not have fails with the line to add.
func TestMissingTransportIsNamed(t *testing.T) {
	push := spry.NewPush(nil)
	testkit.CloseAll(t, push)
	_, err := push.Dial(testkit.Watchdog(t), "wss://example.com/jobs")
	if !errors.Is(err, spry.ErrScheme) || !strings.Contains(err.Error(), `import "github.com/sprymq/spry/transport/ws"`) {
		t.Error(err)
	}
}
