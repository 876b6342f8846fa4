// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/web/jsclient"
)

//go:embed page.html
var html []byte

// visit opens the page of the site in headless Chromium.
func (x *proxy) visit(t *testing.T, query string) {
	t.Helper()
	file, _, _ := certificate(t)
	text, err := os.ReadFile(file)
	testkit.Check(t, err)
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	testkit.Check(t, err)
	key := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	peer.Start(t, peer.Find(t, "chromium", "chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--user-data-dir="+filepath.Join(filepath.Dir(x.config), "chromium"), "--disable-quic",
		"--host-resolver-rules=MAP "+site+" 127.0.0.1", "--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(key[:]),
		x.origin()+"/"+query)
}

// A guestbook is what a page has said to its server, each sentence once: a request is sent again when its connection ends.
type guestbook struct {
	mu    sync.Mutex
	heard map[string]bool
	news  chan string
}

// newGuestbook serves the page with a guestbook.
func newGuestbook(t *testing.T, x *proxy, mux *http.ServeMux) *guestbook {
	t.Helper()
	g := &guestbook{heard: map[string]bool{}, news: make(chan string, 1000)}
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(html)
	})
	mux.HandleFunc("/favicon.ico", http.NotFound)
	mux.Handle("/spry.js", jsclient.Script())
	mux.Handle("/ask", x.handler(t, answering(t, func(ctx context.Context, r *spry.Request) {
		g.mu.Lock()
		known := g.heard[string(r.Bytes())]
		g.heard[string(r.Bytes())] = true
		g.mu.Unlock()
		if !known {
			g.news <- string(r.Bytes())
		}
		_ = r.Reply(ctx, r.Bytes())
	})))
	return g
}

// expect waits for the next sentence.
func (g *guestbook) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-g.news:
		if got != want {
			t.Fatalf("the page tells %q, not %q", got, want)
		}
	case <-kit.Watched(t).Done():
		t.Fatalf("the page does not tell %q", want)
	}
}

// TestPage has a page in Chromium load the client by HTTP/2 and ask over WebSocket, while the proxy is killed and started again.
func TestPage(t *testing.T) {
	eachProxy(t, "a page with Spry's client", func(t *testing.T, x *proxy) {
		mux := http.NewServeMux()
		g := newGuestbook(t, x, mux)
		x.serve(t, mux)
		x.visit(t, "")
		g.expect(t, "came by h2")
		for n := 1; n <= 60; n++ {
			g.expect(t, fmt.Sprint("request ", n))
			if n%20 == 0 {
				x.restart(t)
			}
		}
	})
}

// TestEventSource has the page in Chromium read events while the proxy is killed and started again: none is missing, none comes twice.
func TestEventSource(t *testing.T) {
	eachProxy(t, "server-sent events in a page", func(t *testing.T, x *proxy) {
		mux := http.NewServeMux()
		g := newGuestbook(t, x, mux)
		pub := x.feed(t, mux, time.Second)
		x.serve(t, mux)
		x.visit(t, "?events")
		g.expect(t, "came by h2")
		g.expect(t, "events are open")
		for n := 1; n <= 40; n++ {
			publish(t, pub, n)
			g.expect(t, fmt.Sprintf("%d came: event %[1]d", n))
			if n%10 == 5 {
				x.restart(t)
			}
		}
	})
}
