// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
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

// serve runs the server of the page until the test ends.
func (x *proxy) serve(t *testing.T, mux *http.ServeMux) {
	t.Helper()
	server := gateway.NewServer(mux)
	listener, err := net.Listen("tcp", x.back)
	testkit.Check(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
}

// host and origin are those of the site's pages.
func (x *proxy) host() string   { return site + ":" + x.port }
func (x *proxy) origin() string { return "https://" + x.host() }

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

// limits are the options of the page for the gateway.
func (x *proxy) limits() gateway.Options {
	proxy := gateway.Forwarded{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	return gateway.Options{Origins: []string{x.origin()}, Client: proxy.Client}
}

// options are those of a client of the site, whose requests have these headers besides.
func options(header http.Header) spry.Options {
	o := kit.Options
	o.Transports = []transport.Transport{ws.Transport{Header: header}, gateway.Transport{Header: header}}
	return o
}

// dial connects to a URL of the site, by the scheme wss or https.
func (x *proxy) dial(t *testing.T, s kit.Socket, scheme, path string) error {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	_, err := s.DialWith(kit.Watched(t), &spry.DialConfig{
		URL: scheme + "://" + x.host() + path, TLS: trust(t),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, x.front)
		},
	})
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
