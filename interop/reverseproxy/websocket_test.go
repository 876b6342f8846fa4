// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

// eachProxy runs a test behind every proxy, if all tests are to do all that they can: the proxies are no part of the short run.
func eachProxy(t *testing.T, what string, test func(t *testing.T, x *proxy)) {
	t.Helper()
	if !kit.Long {
		t.Skip("the proxies take a while: SPRY_LONG=1 runs them")
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(p.name, what+", as the guide configures it", "wss", "between"), kit.Library)
			t.Parallel()
			test(t, start(t, p))
		})
	}
}

// serve runs the server of the page: its handlers, with HTTP/1 and h2c, until the test ends.
func (x *proxy) serve(t *testing.T, mux *http.ServeMux) {
	t.Helper()
	server := &http.Server{Handler: mux, ReadHeaderTimeout: peer.Watchdog, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	listener, err := net.Listen("tcp", x.back)
	testkit.Check(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
}

// origin is that of the site's pages.
func (x *proxy) origin() string { return "https://" + site + ":" + x.port }

// handler is a handler for the site's pages. The socket ends with the test.
func (x *proxy) handler(t *testing.T, s interface {
	web.Socket
	Close() error
},
) http.Handler {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	return web.Handler(s, &web.Options{Origins: []string{x.origin()}})
}

// options are those of a client of the site, whose request has these headers besides.
func (x *proxy) options(header http.Header) spry.Options {
	o := kit.Options
	h := http.Header{"Host": {site + ":" + x.port}}
	maps.Copy(h, header)
	o.Transports = []transport.Transport{ws.Transport{Header: h}}
	return o
}

// dial connects to a path of the site.
func (x *proxy) dial(t *testing.T, s kit.Socket, path string) error {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	_, err := s.DialWith(kit.Watched(t), &spry.DialConfig{URL: "wss://" + x.front + path, TLS: trust(t)})
	return err
}

// answering is a Rep whose requests a function answers.
func answering(t *testing.T, answer spry.HandlerFunc) *spry.Rep {
	t.Helper()
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	var serving sync.WaitGroup
	serving.Go(func() { _ = rep.Serve(kit.Watched(t), 4, answer) })
	t.Cleanup(func() {
		_ = rep.Close()
		serving.Wait()
	})
	return rep
}

// echoing is a Rep that sends requests back.
func echoing(t *testing.T) *spry.Rep {
	t.Helper()
	return answering(t, func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) })
}

// TestWebSocket asks and publishes through each proxy, before and after it was killed and started again.
func TestWebSocket(t *testing.T) {
	eachProxy(t, "WebSocket", func(t *testing.T, x *proxy) {
		pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
		mux := http.NewServeMux()
		mux.Handle("/ask", x.handler(t, echoing(t)))
		mux.Handle("/feed", x.handler(t, pub))
		x.serve(t, mux)
		req := spry.NewReq(&spry.ReqOptions{Options: x.options(nil)})
		testkit.Check(t, x.dial(t, req, "/ask"))
		sub := spry.NewSub(&spry.SubOptions{Options: x.options(nil)})
		testkit.Check(t, sub.Subscribe(""))
		testkit.Check(t, x.dial(t, sub, "/feed"))
		for round := range 2 {
			if round > 0 {
				x.restart(t)
			}
			askAll(t, req, 64)
			kit.WaitPipes(t, pub, 1)
			for i := range 100 {
				testkit.Check(t, pub.Send(kit.Watched(t), kit.Numbered(1000, 100*round+i)))
			}
			for i := range 100 {
				kit.Same(t, "the subscriber received", kit.Must[[]byte](t)(sub.Recv(kit.Watched(t))), kit.Numbered(1000, 100*round+i))
			}
		}
	})
}

// askAll asks as many at once as there are goroutines, all lengths of questions, each of which is to come back.
func askAll(t *testing.T, req *spry.Req, goroutines int) {
	t.Helper()
	var asking sync.WaitGroup
	for c := range goroutines {
		asking.Go(func() {
			for _, size := range kit.Sizes {
				question := kit.Body(size, 2*c+1)
				if answer, err := req.Do(kit.Watched(t), question); err != nil || !bytes.Equal(answer, question) {
					t.Errorf("%d bytes were answered by %d: %v", size, len(answer), err)
				}
			}
		})
	}
	asking.Wait()
}

// TestForwarded looks at what a handler learns of its clients: their own headers do not count.
func TestForwarded(t *testing.T) {
	eachProxy(t, "the client's address", func(t *testing.T, x *proxy) {
		rep := echoing(t)
		mux := http.NewServeMux()
		mux.Handle("/ask", x.handler(t, rep))
		x.serve(t, mux)
		req := spry.NewReq(&spry.ReqOptions{Options: x.options(http.Header{
			"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"http"}, "Cookie": {"session=7"},
		})})
		testkit.Check(t, x.dial(t, req, "/ask"))
		kit.WaitPipes(t, rep, 1)
		r := web.Request(kit.OnlyPipe(t, rep.Socket))
		for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "Cookie": "session=7"} {
			if got := r.Header.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("the handler is told the %s %q, not %q", name, got, want)
			}
		}
		if want := site + ":" + x.port; r.Host != want {
			t.Errorf("the handler is told the host %q, not %q", r.Host, want)
		}
	})
}

// TestOrigins has pages of the site and of another one connect.
func TestOrigins(t *testing.T) {
	eachProxy(t, "origins", func(t *testing.T, x *proxy) {
		mux := http.NewServeMux()
		mux.Handle("/ask", x.handler(t, echoing(t)))
		x.serve(t, mux)
		for origin, allowed := range map[string]bool{x.origin(): true, "https://evil.test": false} {
			req := spry.NewReq(&spry.ReqOptions{Options: x.options(http.Header{"Origin": {origin}})})
			err := x.dial(t, req, "/ask")
			if allowed {
				testkit.Check(t, err)
			} else if err == nil || !strings.Contains(err.Error(), "403") {
				t.Errorf("the page of %s gets %v", origin, err)
			}
		}
	})
}
