// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A client reads events and comes back by itself. It has a line for each event: see ../node/events.mjs.
type client struct {
	name string
	long bool // it takes a while
	read func(t *testing.T, url string) (next func() string)
}

var clients = []client{
	{"Go", false, readInGo},
	{"npm eventsource", false, func(t *testing.T, url string) func() string {
		t.Helper()
		modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/eventsource")
		return peer.Start(t, "node", filepath.Join(kit.NodeFolder, "events.mjs"), modules, url).NextLine
	}},
	{"Chromium", true, readInBrowser("chrome", "chromium", "chromium")},
	{"Firefox", true, readInBrowser("firefox", "firefox-esr", "firefox-esr")},
}

func readInBrowser(name, program, debianPackage string) func(t *testing.T, url string) func() string {
	return func(t *testing.T, url string) func() string {
		t.Helper()
		path := peer.Find(t, program, debianPackage)
		modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/puppeteer")
		page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<!doctype html><title>events</title>"))
		}))
		t.Cleanup(page.Close)
		p := peer.Start(t, "node", filepath.Join(kit.NodeFolder, "events.mjs"), modules, name, path, t.TempDir(), page.URL, url)
		t.Cleanup(func() { p.Wait() }) // the browser ends
		return p.NextLine
	}
}

// readInGo reads by gateway.Client.
func readInGo(t *testing.T, url string) func() string {
	t.Helper()
	ctx, cancel := context.WithCancel(kit.Watched(t))
	lines, ended := make(chan string, 100), make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		client := gateway.Client{HTTP: &http.Client{Transport: new(http.Transport)}}
		defer client.HTTP.CloseIdleConnections()
		for e, err := range client.Events(ctx, url, &gateway.EventConfig{Oldest: true, MinBackoff: time.Millisecond, MaxBackoff: 100 * time.Millisecond}) {
			line := fmt.Sprintf(`%s {"body":%q}`, e.ID, e.Body())
			switch {
			case err != nil:
				line = "error " + err.Error()
			case e.Gap:
				epoch, _, _ := strings.Cut(e.ID, "-")
				line = fmt.Sprint("gap ", e.ID, " ", epoch, " ", strings.Replace(strconv.FormatInt(e.Missed, 10), "-1", "?", 1))
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() string {
		t.Helper()
		select {
		case line := <-lines:
			return line
		case <-kit.Watched(t).Done():
			t.Fatal("no further event comes")
			return ""
		}
	}
}

// eachClient runs a test with every client; with those that take a while if all tests are to do all that they can.
func eachClient(t *testing.T, what string, test func(t *testing.T, c client)) {
	t.Helper()
	for _, c := range clients {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			if c.long && !kit.Long {
				t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
			}
			kit.Results.Track(t, kit.Row("EventSource of "+c.name, "server-sent events", "HTTP/1.1", what), kit.Library)
			t.Parallel()
			test(t, c)
		})
	}
}

// A feed is a gateway with events, which are numbered from 1 in the order in which they are published, over all lives of the gateway.
type feed struct {
	t    *testing.T
	at   string // host and port
	pub  *spry.Pub
	stop func(gracefully bool)

	published, received int
	before              int    // of published, in earlier lives
	epoch               string // that the client knows
	next                func() string
}

// window is how many events the client may be behind: fewer than the gateway keeps.
const window = 200

func newFeed(t *testing.T) *feed {
	t.Helper()
	f := &feed{t: t, at: peer.TCPAddress(t)}
	f.start()
	t.Cleanup(func() { f.stop(false) })
	return f
}

// url is that of the events at an address. Clients get all events: also those that are published before the first answer has reached them.
func (f *feed) url(at string) string { return "http://" + at + "/events?from=oldest" }

// start begins a life of the gateway.
func (f *feed) start() {
	f.t.Helper()
	pub, events := newEvents(f.t)
	mux := http.NewServeMux()
	mux.Handle("/events", events)
	server := gateway.NewServer(mux)
	server.RegisterOnShutdown(func() { _ = events.Close() })
	stop := serve(f.t, server, f.at, "")
	f.pub, f.before = pub, f.published
	f.stop = func(gracefully bool) {
		if gracefully {
			testkit.Check(f.t, server.Shutdown(kit.Watched(f.t)))
		}
		stop()
		_ = events.Close()
	}
}

// publish publishes the next events. It waits for the client if that is too far behind.
func (f *feed) publish(n int) {
	f.t.Helper()
	for range n {
		if f.published-f.received >= window {
			f.expect()
		}
		f.published++
		testkit.Check(f.t, f.pub.Send(kit.Watched(f.t), strconv.AppendInt(nil, int64(f.published), 10)))
	}
}

// expect reads the next event: in the epoch, neither more nor less.
func (f *feed) expect() {
	f.t.Helper()
	line := f.next()
	if f.epoch == "" {
		f.epoch, _, _ = strings.Cut(line, "-")
	}
	f.received++
	if want := fmt.Sprintf(`%s-%d {"body":"%d"}`, f.epoch, f.received-f.before, f.received); line != want {
		f.t.Fatalf("the client gets %q, not %q", line, want)
	}
}

// expectUntil reads until the client is so many events behind.
func (f *feed) expectUntil(behind int) {
	f.t.Helper()
	for f.published-f.received > behind {
		f.expect()
	}
}

// TestCutConnections has clients behind a proxy that cuts connections, in the midst of events, of lines and of headers.
func TestCutConnections(t *testing.T) {
	eachClient(t, "connections are cut", func(t *testing.T, c client) {
		cuts := 12
		switch {
		case c.name == "Go": // others come back after a second, and Firefox after five
			cuts = 100
		case kit.Long && c.name != "Firefox":
			cuts = 30
		}
		f := newFeed(t)
		x := newCutter(t, f.at, cuts)
		f.next = c.read(t, f.url(x.at))
		for f.published < 1000 || x.remain() > 0 {
			f.publish(10)
		}
		f.expectUntil(0)
		t.Logf("%d events over %d cuts", f.received, cuts)
	})
}

// TestGatewayRestart ends the gateway, with and without an orderly shutdown, and starts it again.
func TestGatewayRestart(t *testing.T) {
	eachClient(t, "the gateway restarts", func(t *testing.T, c client) {
		f := newFeed(t)
		f.next = c.read(t, f.url(f.at))
		for life := range 4 {
			f.publish(500)
			f.expectUntil(0)
			f.stop(life%2 == 1)
			f.start()
			f.publish(5 * life) // while nobody reads, most likely
			line := f.next()
			var epoch string
			if _, err := fmt.Sscanf(line, "gap %s", &epoch); err != nil {
				t.Fatalf("after a restart, the client gets %q", line)
			}
			epoch = strings.TrimSuffix(epoch, "-0")
			if line != fmt.Sprintf("gap %s-0 %[1]s ?", epoch) || epoch == f.epoch {
				t.Fatalf("after the epoch %s, the client gets %q", f.epoch, line)
			}
			f.epoch = epoch
		}
		f.publish(500)
		f.expectUntil(0)
	})
}

// TestProxyRestart kills a reverse proxy while events flow, and starts it again.
func TestProxyRestart(t *testing.T) {
	eachProxy(t, func(t *testing.T, p program) {
		eachClient(t, p.name+" restarts", func(t *testing.T, c client) {
			f := newFeed(t)
			x := startProxy(t, p, f.at)
			f.next = c.read(t, f.url(x.front))
			for range 5 {
				f.publish(500)
				f.expectUntil(window / 2)
				x.process.Reap()
				f.publish(window / 2) // and waits for nobody
				x.run(t)
			}
			f.publish(500)
			f.expectUntil(0)
		})
	})
}
