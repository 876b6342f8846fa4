// SPDX-License-Identifier: MIT

package ws_test

import (
	"bufio"
	"context"
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
