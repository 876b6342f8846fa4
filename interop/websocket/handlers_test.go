// SPDX-License-Identifier: MIT

package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/req"
	_ "go.nanomsg.org/mangos/v3/transport/ws"  // ws://
	_ "go.nanomsg.org/mangos/v3/transport/wss" // wss://

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/web"
)

// mount serves a socket at the end of a route by a web server, beside a page, and closes both when the test ends.
func mount(t *testing.T, r route, s interface {
	web.Socket
	Close() error
},
) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/feed", web.Handler(s, nil))
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "a page") })
	listener, err := net.Listen("tcp", r.back)
	testkit.Check(t, err)
	server := &http.Server{ReadHeaderTimeout: peer.Watchdog, Handler: mux}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = s.Close()
		_ = server.Close()
		serving.Wait()
	})
}

// echoing is a Rep at the end of a route that sends requests back.
func echoing(t *testing.T, r route) *spry.Rep {
	t.Helper()
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	mount(t, r, rep)
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = rep.Serve(kit.Watched(t), 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	})
	t.Cleanup(func() {
		_ = rep.Close()
		serving.Wait()
	})
	return rep
}

// TestHandlersBehindProxies has peers reach sockets of a web server through each proxy, with and without its TLS.
func TestHandlersBehindProxies(t *testing.T) {
	eachProxy(t, func(t *testing.T, p proxy) {
		type cell struct {
			peer, pattern string
			modes         []string
			test          func(t *testing.T, r route)
		}
		both := []string{"ws", "wss"}
		cells := []cell{
			{"spry", "64 concurrent req – rep of a handler", both, func(t *testing.T, r route) {
				rep := echoing(t, r)
				dialing, _ := r.ends(t, true, true)
				req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
				kit.Attach(t, req, dialing)
				askAll(t, req, 64)
				pipe := kit.OnlyPipe(t, rep.Socket)
				at, err := url.Parse(dialing.URL)
				testkit.Check(t, err)
				if host := web.Request(pipe).Host; host != at.Host {
					t.Errorf("the handler's pipe is for the host %q, not %q", host, at.Host)
				}
				if from := web.Request(pipe).Header.Get("X-Forwarded-For"); p.name == "nginx" && from != "127.0.0.1" {
					t.Errorf("the handler's pipe was forwarded for %q", from)
				}
			}},
			{"mangos", "req – rep of a handler", both, askByMangos},
			{kit.LibNNG, "req – rep of a handler", []string{"wss"}, func(t *testing.T, r route) {
				echoing(t, r)
				dialing, _ := r.ends(t, false, true)
				own := dialing.TLS.Client
				kit.StartC(t, "nng_tls", "dial", dialing.URL, "req", dialing.TLS.AuthorityFile, own.CertFile, own.KeyFile).WaitLine("done")
			}},
			{"curl", "a page beside a handler", both, func(t *testing.T, r route) {
				echoing(t, r)
				dialing, _ := r.ends(t, false, true)
				page := strings.Replace(strings.Replace(dialing.URL, "ws", "http", 1), "/feed", "/page", 1)
				curl := peer.Start(t, peer.Find(t, "curl", "curl"), "-sS", "--noproxy", "*", "--cacert", kit.Certificates(t).AuthorityFile, page)
				if got := curl.Wait(); got != "a page" {
					t.Errorf("curl got %q", got)
				}
			}},
		}
		for library, program := range map[string]string{kit.LibNNG: "nng_recv", kit.LibNanomsg: "nn_recv", kit.LibZMQ: "zmq_recv"} {
			cells = append(cells, cell{library, "pull – push of a handler", []string{"ws"}, func(t *testing.T, r route) {
				const messages, size = 500, 1000
				push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
				mount(t, r, push)
				dialing, _ := r.ends(t, false, true)
				c := kit.StartC(t, program, "dial", dialing.URL, "pull", fmt.Sprint(messages))
				kit.SendNumbered(t, push, messages, size)
				kit.ExpectTally(t, c, kit.NumberedTally(messages, size))
			}})
		}
		var routes []route
		for _, c := range cells {
			for _, mode := range c.modes {
				routes = append(routes, newRoute(t, mode))
			}
		}
		p.start(t, routes, patience)
		n := 0
		for _, c := range cells {
			for _, mode := range c.modes {
				r := routes[n]
				n++
				t.Run(strings.ReplaceAll(c.peer+"/"+c.pattern+"/"+mode, " ", "_"), func(t *testing.T) {
					kit.Results.Track(t, kit.Row(p.name, c.peer+" dials: "+c.pattern, mode, "between"), kit.Library)
					t.Parallel()
					c.test(t, r)
				})
			}
		}
	})
}

// askByMangos has mangos ask a handler through a proxy.
func askByMangos(t *testing.T, r route) {
	t.Helper()
	echoing(t, r)
	dialing, _ := r.ends(t, false, true)
	m := kit.Must[mangos.Socket](t)(req.NewSocket())
	t.Cleanup(func() { _ = m.Close() })
	testkit.Check(t, m.SetOption(mangos.OptionMaxRecvSize, 0))
	testkit.Check(t, m.SetOption(mangos.OptionRecvDeadline, peer.Watchdog))
	options := map[string]any{}
	if dialing.TLS != nil {
		options[mangos.OptionTLSConfig] = dialing.TLS.Config(false)
	}
	testkit.Check(t, m.DialOptions(dialing.URL, options))
	for _, size := range kit.Sizes {
		want := kit.Body(size, 3)
		testkit.Check(t, m.Send(want))
		if got := kit.Must[[]byte](t)(m.Recv()); !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back of %d", len(got), size)
		}
	}
}
