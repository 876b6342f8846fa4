// SPDX-License-Identifier: MIT

package ws_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// What servers answer to a dialer, and what it says then.
func TestAnswersToDialers(t *testing.T) {
	for answer, says := range map[string]string{
		"HTTP/1.1 404 Not Found\r\n\r\n":                                       "no WebSocket at this path",
		"HTTP/1.1 400 Bad Request\r\n\r\n":                                     "another protocol",
		"HTTP/1.1 401 Unauthorized\r\n\r\n":                                    "check the credentials",
		"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n":                           "redirects to \"/x\"",
		"HTTP/1.1 200 OK\r\n\r\n":                                              "200 OK",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                             "does not fit the request",
		"SSH-2.0-OpenSSH_9.2\r\n":                                              "does not speak HTTP",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<16) + "\r\n\r\n":     "more than 16384 bytes",
		"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n": "does not fit the request",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Check(t, err)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, answer)
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}
		}()
		push := spry.NewPush(&spry.PushOptions{Options: options()})
		_, err = push.Dial(testkit.Watchdog(t), "ws://"+l.Addr().String()+"/jobs")
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "ws://"+l.Addr().String()+"/jobs") {
			t.Errorf("%.60q: %v", answer, err)
		}
		_ = push.Close()
		_ = l.Close()
	}
}

// A server that answers with what was not offered is refused: an extension, and so compression, or another subprotocol.
func TestAnswersWithMoreThanWasOffered(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct{ header, value, says string }{
		{"Sec-WebSocket-Extensions", "permessage-deflate", `the extension "permessage-deflate", which was not offered`},
		{"Sec-WebSocket-Protocol", "pair.sp.nanomsg.org", `chose the subprotocol "pair.sp.nanomsg.org", and this end speaks pull.sp.nanomsg.org`},
		{"Sec-WebSocket-Protocol", "", `chose the subprotocol ""`},
	} {
		asked := make(chan http.Header, 1)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Header
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Sec-WebSocket-Accept", wsframe.Accept(r.Header.Get("Sec-WebSocket-Key")))
			w.Header().Set("Sec-WebSocket-Protocol", r.Header.Get("Sec-WebSocket-Protocol"))
			w.Header().Set(tc.header, tc.value)
			w.WriteHeader(http.StatusSwitchingProtocols)
		}))
		push := spry.NewPush(&spry.PushOptions{Options: options()})
		_, err := push.Dial(testkit.Watchdog(t), strings.Replace(s.URL, "http", "ws", 1))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %q: %v", tc.header, tc.value, err)
		}
		offered := <-asked
		if got := offered.Values("Sec-WebSocket-Protocol"); len(offered.Values("Sec-WebSocket-Extensions")) > 0 || !slices.Equal(got, []string{"pull.sp.nanomsg.org"}) {
			t.Errorf("the dialer offers %v", offered)
		}
		testkit.Check(t, push.Close())
		s.Close()
	}
}

// A Header that names subprotocols leaves only these, for servers that refuse the names of others.
func TestHeaderNamesSubprotocols(t *testing.T) {
	for _, tc := range []struct {
		header  http.Header
		offered string
	}{
		{nil, "ZWS2.0/NULL,ZWS2.0"},
		{http.Header{"Sec-WebSocket-Protocol": {"ZWS2.0"}}, "ZWS2.0"},
		{http.Header{"Sec-Websocket-Protocol": {"other, ZWS2.0/NULL"}}, "ZWS2.0/NULL"},
		{http.Header{"Sec-Websocket-Protocol": {"other"}}, ""},
	} {
		t.Run(tc.offered, func(t *testing.T) {
			o := options()
			offered := make(chan string, 1)
			o.Authorize = func(_ context.Context, p *spry.Pipe) error {
				r, _ := p.Request().(*http.Request)
				offered <- strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), " and ")
				return nil
			}
			pull, e := pulling(t, o)
			theirs := options()
			theirs.Transports = []transport.Transport{ws.Transport{Header: tc.header}}
			push := spry.NewPush(&spry.PushOptions{Options: theirs})
			testkit.CloseAll(t, push)
			_, err := push.Dial(testkit.Watchdog(t), "zmtp+"+e.URL())
			if tc.offered == "" {
				if err == nil || !strings.Contains(err.Error(), `none of the subprotocols ["other"]`) {
					t.Errorf("with %v: %v", tc.header, err)
				}
				return
			}
			testkit.Check(t, err)
			if got := <-offered; got != tc.offered {
				t.Errorf("with %v, %q is offered", tc.header, got)
			}
			testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1)) // Close does not wait for a callback that runs
		})
	}
}

// A dialer goes through a proxy, and sends the headers that it was given.
func TestProxyAndHeaders(t *testing.T) {
	leak.Check(t)
	asked := make(chan string, 1)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer proxy.Close()
	go func() {
		c, err := proxy.Accept()
		if err != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
		_, _ = io.Copy(c, to)
		_ = c.Close()
	}()
	o := options()
	seen := make(chan *http.Request, 1)
	o.Authorize = func(_ context.Context, p *spry.Pipe) error {
		r, _ := p.Request().(*http.Request)
		seen <- r
		return nil
	}
	pull, e := pulling(t, o)
	o = options()
	header := http.Header{"Cookie": {"session=7"}, "Authorization": {"Bearer x"}}
	o.Transports = []transport.Transport{ws.Transport{Header: header, Proxy: func(*http.Request) (*url.URL, error) {
		return url.Parse("http://me:word@" + proxy.Addr().String())
	}}}
	push := spry.NewPush(&spry.PushOptions{Options: o})
	testkit.CloseAll(t, push)
	_, err = push.Dial(testkit.Watchdog(t), e.URL()+"?a=b")
	testkit.Check(t, err)
	testkit.Check(t, push.Send(testkit.Watchdog(t), []byte("x")))
	_, err = pull.Recv(testkit.Watchdog(t))
	testkit.Check(t, err)
	if got, want := <-asked, "CONNECT "+e.Addr().String()+" Basic bWU6d29yZA=="; got != want {
		t.Errorf("the proxy was asked %q", got)
	}
	r := <-seen
	if c, err := r.Cookie("session"); err != nil || c.Value != "7" || r.Header.Get("Authorization") != "Bearer x" || r.URL.RawQuery != "a=b" {
		t.Errorf("the request is %+v", r)
	}
}
