// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/web"
)

// TestWebSocket asks and publishes through each proxy, before and after it was killed and started again.
func TestWebSocket(t *testing.T) {
	eachProxy(t, "WebSocket", func(t *testing.T, x *proxy) {
		pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
		mux := http.NewServeMux()
		mux.Handle("/ask", x.handler(t, echoing(t)))
		mux.Handle("/feed", x.handler(t, pub))
		x.serve(t, mux)
		req := spry.NewReq(&spry.ReqOptions{Options: options(nil)})
		testkit.Check(t, x.dial(t, req, "wss", "/ask"))
		sub := spry.NewSub(&spry.SubOptions{Options: options(nil)})
		testkit.Check(t, sub.Subscribe(""))
		testkit.Check(t, x.dial(t, sub, "wss", "/feed"))
		for round := range 2 {
			if round > 0 {
				x.restart(t, pub.Socket)
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

// askAll asks as many at once as there are goroutines. Each question is to come back. Large ones are of four goroutines alone.
func askAll(t *testing.T, req *spry.Req, goroutines int) {
	t.Helper()
	var asking sync.WaitGroup
	for c := range goroutines {
		asking.Go(func() {
			for _, size := range kit.Sizes {
				if size > 1<<10 && c >= 4 {
					continue
				}
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
		req := spry.NewReq(&spry.ReqOptions{Options: options(http.Header{
			"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"http"}, "Cookie": {"session=7"},
		})})
		testkit.Check(t, x.dial(t, req, "wss", "/ask"))
		kit.WaitPipes(t, rep, 1)
		r := web.Request(kit.OnlyPipe(t, rep.Socket))
		for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "Cookie": "session=7"} {
			if got := r.Header.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("the handler is told the %s %q, not %q", name, got, want)
			}
		}
		if want := x.host(); r.Host != want {
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
			req := spry.NewReq(&spry.ReqOptions{Options: options(http.Header{"Origin": {origin}})})
			err := x.dial(t, req, "wss", "/ask")
			if allowed {
				testkit.Check(t, err)
			} else if err == nil || !strings.Contains(err.Error(), "403") {
				t.Errorf("the page of %s gets %v", origin, err)
			}
		}
	})
}
