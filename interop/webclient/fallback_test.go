// SPDX-License-Identifier: MIT

package webclient_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/web"
)

// Ways in which networks block WebSockets.
var blocks = map[string]http.HandlerFunc{
	"refused": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
	"swallowed": func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.Copy(io.Discard, c) // until the other end has enough
			_ = c.Close()
		}
	},
}

// overHTTP are the roles whose messages need one direction only.
var overHTTP = []string{"req", "push", "pull", "pub", "sub", "surveyor"}

// A site has a handler for requests, and another one for WebSockets.
type site struct {
	*httptest.Server
	upgrades http.Handler
	plain    atomic.Pointer[http.Handler]
}

func newSite(t *testing.T, upgrades, plain http.Handler) *site {
	s := &site{upgrades: upgrades}
	s.plain.Store(&plain)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			s.upgrades.ServeHTTP(w, r)
		} else {
			(*s.plain.Load()).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

func (s *site) url(query string) string {
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/path" + query
}

// gatewayFor has a gateway for a role, whose socket dials the other end of the meeting.
func gatewayFor(t *testing.T, role, url string) http.Handler {
	t.Helper()
	dial := func(s kit.Socket) gateway.Options {
		kit.Attach(t, s, kit.Address{URL: url})
		// No request passes before there is a peer.
		return gateway.Options{Origins: []string{"*"}, Authorize: func(r *http.Request) error { return s.WaitPipes(r.Context(), 1) }}
	}
	events := func(r gateway.Receiver, o gateway.Options) http.Handler {
		e := gateway.NewEvents(r, &gateway.EventOptions{Options: o})
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	switch role {
	case "req":
		req := spry.NewReq(&spry.ReqOptions{Options: options()})
		o := dial(req)
		return gateway.Ask(req, &o)
	case "push":
		push := spry.NewPush(&spry.PushOptions{Options: options()})
		o := dial(push)
		return gateway.Send(push, &o)
	case "pub":
		pub := spry.NewPub(&spry.PubOptions{Options: options(), Overflow: spry.Block})
		o := dial(pub)
		return gateway.Send(pub, &o)
	case "surveyor":
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: options()})
		o := dial(surveyor)
		return gateway.Survey(surveyor, &o)
	case "pull":
		pull := spry.NewPull(&spry.PullOptions{Options: options()})
		return events(pull, dial(pull))
	case "sub":
		sub := spry.NewSub(&spry.SubOptions{Options: options(), Overflow: spry.Block})
		testkit.Check(t, sub.Subscribe(""))
		return events(sub, dial(sub))
	}
	return nil
}

// TestFallback blocks WebSockets: the roles that can go on by HTTP do, through the gateway. The pages are of another origin than that.
func TestFallback(t *testing.T) {
	for name, play := range hosts(t) {
		for how, block := range blocks {
			for _, m := range meetings {
				if !slices.Contains(overHTTP, m.role) {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", name, how, m.role), func(t *testing.T) {
					kit.Results.Track(t, kit.Row("Spry's client in "+name, m.role, "http", "it dials"), kit.Library)
					t.Parallel()
					urls := urlsFor(t, 1)
					s := newSite(t, block, gatewayFor(t, m.role, urls[0]))
					// A stream of events begins with the first, because the client may come later.
					r := play(t, "http "+m.role, m.count, s.url("?from=oldest"))
					m.play(t, urls)
					if got, want := r.line(t), fmt.Sprintf("%d %s", m.count, m.says); got != want {
						t.Errorf("it prints %q, want %q", got, want)
					}
				})
			}
		}
	}
}

// TestEventsOverCuts cuts the connections of a Sub that reads events. It gets every message once, and no gap. When the gateway has a new
// epoch, there is one gap, which says so.
func TestEventsOverCuts(t *testing.T) {
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pub := spry.NewPub(&spry.PubOptions{Options: options(), Overflow: spry.Block})
			url := urlsFor(t, 1)[0]
			listen(t, pub, url)
			s := newSite(t, blocks["refused"], gatewayFor(t, "sub", url))
			kit.WaitPipes(t, pub, 1)
			r := play(t, "events", count, s.url(""))
			want(t, r, "open")
			for i := range count {
				testkit.Check(t, pub.Send(kit.Watched(t), body(i)))
				if i%50 == 49 {
					want(t, r, fmt.Sprint(i)) // or the cut would only show that a socket was closed before it was read
					s.CloseClientConnections()
				}
			}
			want(t, r, "0 gaps")
			again := gatewayFor(t, "sub", url)
			kit.WaitPipes(t, pub, 2)
			s.plain.Store(&again)
			s.CloseClientConnections()
			want(t, r, "gap: missed 0")
			testkit.Check(t, pub.Send(kit.Watched(t), []byte("last")))
			want(t, r, "1 gaps")
		})
	}
}

// TestRequestsOverCuts cuts the connections of a Req that asks a gateway. Every request has its reply.
func TestRequestsOverCuts(t *testing.T) {
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 1)
			rep := listen(t, spry.NewRep(&spry.RepOptions{Options: options()}), urls[0])
			s := newSite(t, blocks["refused"], gatewayFor(t, "req", urls[0]))
			r := play(t, "http req", count, s.url(""))
			go func() {
				n := 0
				for q, err := range rep.Requests(t.Context()) {
					if err != nil {
						return
					}
					if n++; n%70 == 0 {
						s.CloseClientConnections()
					}
					_ = q.Reply(t.Context(), q.Bytes()) // its request may be over
				}
			}()
			want(t, r, fmt.Sprintf("%d replies", count))
		})
	}
}

// TestBackToWebSocket opens the way for WebSockets while a Push goes by the gateway: it moves, and loses and doubles nothing.
func TestBackToWebSocket(t *testing.T) {
	if !kit.Long {
		t.Skip("the client tries again after a minute: SPRY_LONG=1 waits for that")
	}
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 1)
			pull := listen(t, spry.NewPull(&spry.PullOptions{Options: options()}), urls[0])
			var open atomic.Bool
			upgrades := web.Handler(pull, &web.Options{Origins: []string{"*"}})
			s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if open.Load() {
					upgrades.ServeHTTP(w, r)
				} else {
					blocks["refused"](w, r)
				}
			}), gatewayFor(t, "push", urls[0]))
			r := play(t, "moving push", 0, s.url(""))
			want(t, r, "http")
			open.Store(true)
			seen := make(map[string]int) // in any order, because they come over two pipes
			for sent := -1; sent < 0 || len(seen) != sent+1; {
				m, err := pull.RecvMsg(kit.Watched(t))
				testkit.Check(t, err)
				got := string(m.Bytes())
				m.Release()
				if seen[got]++; seen[got] > 1 {
					t.Fatalf("%.20q came twice", got)
				}
				if got == "last" {
					_, err := fmt.Sscanf(r.line(t), "websocket after %d", &sent)
					testkit.Check(t, err)
				}
			}
			for i := range len(seen) - 1 {
				if seen[string(body(i))] != 1 {
					t.Errorf("message %d did not come", i)
				}
			}
		})
	}
}
