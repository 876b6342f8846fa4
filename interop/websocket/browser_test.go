// SPDX-License-Identifier: MIT

package websocket_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

//go:embed pages.html
var pages []byte

// A site is a web server with pages, from which it gets reports. It serves from its first visit on.
type site struct {
	*http.ServeMux
	server  *httptest.Server
	port    string
	cases   []string // URLs of pages
	trusted []string // hashes of public keys whose certificates the browser accepts, whoever signed them
	reports chan string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{ServeMux: http.NewServeMux(), reports: make(chan string, 100)}
	s.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(pages)
	})
	s.HandleFunc("/cases", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(s.cases) })
	s.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
		text, err := url.QueryUnescape(r.URL.RawQuery)
		if err != nil {
			t.Errorf("a report of a page: %v", err)
		}
		s.reports <- text
		_, _ = io.WriteString(w, "thanks")
	})
	s.server = httptest.NewUnstartedServer(s)
	t.Cleanup(s.server.CloseClientConnections)
	t.Cleanup(s.server.Close)
	_, s.port, _ = net.SplitHostPort(s.server.Listener.Addr().String())
	return s
}

// add adds a page of a host that connects to a URL.
func (s *site) add(name, host, target string) {
	query := url.Values{"name": {name}, "url": {target}, "protocol": {subprotocol}}
	s.cases = append(s.cases, "http://"+host+":"+s.port+"/page?"+query.Encode())
}

// visit opens the page with all others in headless Chromium, which takes evil.test for this machine.
func (s *site) visit(t *testing.T) {
	t.Helper()
	program := peer.Find(t, "chromium", "chromium")
	s.server.Start()
	peer.Start(t, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+filepath.Join(kit.Scratch, "chromium"), "--host-resolver-rules=MAP evil.test 127.0.0.1",
		"--ignore-certificate-errors-spki-list="+strings.Join(s.trusted, ","),
		"http://localhost:"+s.port+"/page")
}

// expect waits until pages have reported all of these.
func (s *site) expect(t *testing.T, want ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, text := range want {
		missing[text] = true
	}
	for ctx := kit.Watched(t); len(missing) > 0; {
		select {
		case got := <-s.reports:
			if !missing[got] {
				t.Errorf("a page reports %q", got)
			}
			delete(missing, got)
		case <-ctx.Done():
			t.Fatalf("the pages do not report %v", missing)
		}
	}
}

// pairWith is a Pair with these options of WebSocket.
func pairWith(t *testing.T, w ws.Transport) *spry.Pair {
	t.Helper()
	o := kit.Options
	o.Transports = []transport.Transport{w}
	pair := spry.NewPair(&spry.PairOptions{Options: o, V0: true})
	t.Cleanup(func() { _ = pair.Close() })
	return pair
}

// listening has a Pair listen at a port of its own, over wss if there is a configuration, and returns the URL for pages.
func listening(t *testing.T, pair *spry.Pair, config *tls.Config) string {
	t.Helper()
	scheme := "ws"
	if config != nil {
		scheme = "wss"
	}
	e, err := pair.ListenWith(kit.Watched(t), &spry.ListenConfig{URL: scheme + "://127.0.0.1:0/feed", TLS: config})
	testkit.Check(t, err)
	return strings.Replace(e.URL(), "127.0.0.1", "localhost", 1)
}

// trust has the browser accept the certificate of a configuration.
func (s *site) trust(t *testing.T, config *tls.Config) {
	t.Helper()
	c, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	testkit.Check(t, err)
	hash := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	s.trusted = append(s.trusted, base64.StdEncoding.EncodeToString(hash[:]))
}

// TestBrowser has pages in Chromium send messages back, binary and as text. Pages of other origins are refused, unless they are
// listed, and so are those whose name leads to this machine. Over wss, the browser refuses a certificate that it does not trust.
func TestBrowser(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	for _, pattern := range []string{"pair – pair, binary and text", "origins"} {
		kit.Results.Track(t, kit.Row("Chromium", pattern, "ws", "it dials"), kit.Library)
	}
	for _, pattern := range []string{"pair – pair", "a certificate of nobody"} {
		kit.Results.Track(t, kit.Row("Chromium", pattern, "wss", "it dials"), kit.Library)
	}
	s := newSite(t)
	known := kit.Certificates(t).Config(true)
	s.trust(t, known)
	origins := ws.Transport{Origins: []string{"http://localhost:" + s.port}}
	secure, unknown := pairWith(t, origins), pairWith(t, origins)
	s.add("secure", "localhost", listening(t, secure, known))
	s.add("unknown", "localhost", listening(t, unknown, &tls.Config{Certificates: []tls.Certificate{testcert.NewAuthority(t).Issue(t, "localhost", "localhost")}}))
	own, text, other, listed := pairWith(t, ws.Transport{}), pairWith(t, ws.Transport{}), pairWith(t, ws.Transport{}), pairWith(t, origins)
	rebound := pairWith(t, ws.Transport{})
	s.Handle("/own", web.Handler(own, nil))
	s.Handle("/text", web.Handler(text, &web.Options{Format: "text"}))
	s.Handle("/rebound", web.Handler(rebound, nil))
	s.add("own", "localhost", "ws://localhost:"+s.port+"/own")
	s.add("text", "localhost", "ws://localhost:"+s.port+"/text")
	s.add("other", "localhost", listening(t, other, nil))
	s.add("listed", "localhost", listening(t, listed, nil))
	s.add("rebound", "evil.test", "ws://evil.test:"+s.port+"/rebound")
	s.visit(t)

	s.expect(t, "own open", "text open", "listed open", "secure open", "other closed 1006", "rebound closed 1006", "unknown closed 1006")
	if n := other.Stats().Rejected["refused"]; n != 1 {
		t.Errorf("%d pages of another origin were refused", n)
	}
	for _, pair := range []*spry.Pair{own, listed, secure} {
		for _, size := range lengths {
			body := kit.Body(size, 3)
			exchange(t, pair, body, body)
		}
	}
	for _, size := range lengths {
		body := []byte(strings.Repeat("ä", size/2))
		exchange(t, text, body, body)
	}
	if st := unknown.Stats(); testkit.Sum(st.Rejected) == 0 {
		t.Errorf("the browser's refusal of a certificate is not counted: %+v", st)
	}
	testkit.Check(t, own.Close())
	testkit.Check(t, secure.Close())
	s.expect(t, "own closed 1000", "secure closed 1000")
}
