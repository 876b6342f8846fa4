// SPDX-License-Identifier: MIT

package dash

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

const token = "correct horse battery"

func open(t *testing.T, o *Options) *Dash {
	t.Helper()
	d, err := New(o)
	testkit.Check(t, err)
	t.Cleanup(func() { testkit.Check(t, d.Close()) })
	return d
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// A reply is an answer without its body, which was read.
type reply struct {
	StatusCode int
	Status     string
	Header     http.Header
}

func replyOf(r *http.Response) reply { return reply{r.StatusCode, r.Status, r.Header} }

// ask sends a request of the method GET, with pairs of header fields; Host is one of them.
func ask(t *testing.T, c *http.Client, url string, header ...string) (reply, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	testkit.Check(t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Add(header[i], header[i+1])
	}
	answer, err := c.Do(r)
	testkit.Check(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	testkit.Check(t, err)
	return replyOf(answer), string(text)
}

// The page and what it loads come from the handler alone, at any prefix, and may be kept if their names change.
func TestPage(t *testing.T) {
	leak.Check(t)
	mux := http.NewServeMux()
	mux.Handle("/see/", http.StripPrefix("/see", open(t, nil)))
	s := serve(t, mux)
	answer, page := ask(t, s.Client(), s.URL+"/see/")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		t.Error(answer.Status, answer.Header)
	}
	if strings.Contains(page, "<script>") || regexp.MustCompile(`\son[a-z]+=`).MatchString(page) || strings.Contains(page, "style=") {
		t.Error("the page has inline scripts or styles, which its policy forbids")
	}
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) < 2 {
		t.Error("the page loads nothing:", page)
	}
	for _, m := range loaded {
		if strings.HasPrefix(m[1], "data:") {
			continue
		}
		if strings.Contains(m[1], ":") || strings.HasPrefix(m[1], "/") {
			t.Errorf("the page loads %s from elsewhere", m[1])
		}
		answer, text := ask(t, s.Client(), s.URL+"/see/"+m[1])
		if answer.StatusCode != http.StatusOK || text == "" {
			t.Error(m[1], answer.Status)
		}
		if strings.HasPrefix(m[1], "assets/") && !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Error(m[1], answer.Header)
		}
	}
	for path, want := range map[string]int{
		"/see/assets/": http.StatusNotFound, "/see/assets/none.js": http.StatusNotFound, "/see/assets/..%2findex.html": http.StatusNotFound,
		"/see/assets/../../access.go": http.StatusNotFound, "/see/none": http.StatusNotFound, "/see/feed": http.StatusUpgradeRequired, "/see/tap": http.StatusNotFound,
	} {
		if answer, text := ask(t, s.Client(), s.URL+path); answer.StatusCode != want {
			t.Error(path, answer.Status, text)
		}
	}
}

// paths are those of the handler, and what a client that is not authorized gets there.
var paths = map[string]int{
	"/": http.StatusOK, "/login.js": http.StatusOK, "/login.css": http.StatusOK, // the form
	"/feed": http.StatusUnauthorized, "/licences.txt": http.StatusUnauthorized, "/assets/": http.StatusUnauthorized, "/assets/x.js": http.StatusUnauthorized,
}

func TestToken(t *testing.T) {
	leak.Check(t)
	s := serve(t, open(t, &Options{Token: token}))
	for _, header := range [][]string{
		nil,
		{"Authorization", "Bearer wrong"},
		{"Authorization", "Bearer "},
		{"Authorization", "Basic " + token},
		{"Cookie", cookieName + "="},
		{"Cookie", cookieName + "=" + token},
		{"Cookie", cookieName + "=" + strings.Repeat("0", 64)},
		{"Authorization", "Bearer wrong", "Cookie", cookieName + "=x"},
	} {
		for path, want := range paths {
			answer, text := ask(t, s.Client(), s.URL+path, header...)
			if answer.StatusCode != want || answer.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s with %q: %s", path, header, answer.Status)
			}
			if path == "/" && !strings.Contains(text, `action="login"`) {
				t.Errorf("with %q, the page is %s", header, text)
			}
		}
	}
	if answer, _ := ask(t, s.Client(), s.URL+"/feed", "Authorization", "Bearer "+token); answer.StatusCode != http.StatusUpgradeRequired {
		t.Error(answer.Status)
	}
	jar, err := cookiejar.New(nil)
	testkit.Check(t, err)
	browser := &http.Client{Jar: jar}
	logIn := func(token string) reply {
		answer, err := browser.PostForm(s.URL+"/login", url.Values{"token": {token}})
		testkit.Check(t, err)
		answer.Body.Close()
		return replyOf(answer)
	}
	for _, wrong := range []string{"", "wrong", token + " ", strings.Repeat("x", 10<<10)} {
		if answer := logIn(wrong); answer.StatusCode < 400 || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%.20q: %s", wrong, answer.Status)
		}
	}
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer := logIn(token)
	cookie := answer.Header.Get("Set-Cookie")
	for _, want := range []string{cookieName + "=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "./" || strings.Contains(cookie, token) {
		t.Error(answer.Status, answer.Header)
	}
	if answer, _ := ask(t, browser, s.URL+"/feed"); answer.StatusCode != http.StatusUpgradeRequired {
		t.Error(answer.Status)
	}
	// The cookie of another run is worth nothing.
	other := serve(t, open(t, &Options{Token: token}))
	value, _, _ := strings.Cut(cookie, ";")
	if answer, _ := ask(t, other.Client(), other.URL+"/feed", "Cookie", value); answer.StatusCode != http.StatusUnauthorized {
		t.Error(answer.Status)
	}
	if _, err := New(&Options{Token: "short"}); err == nil {
		t.Error("a token that can be guessed is taken")
	}
}

// Pages of other origins, and of names that were made to lead to this machine, get nothing, whatever they know.
func TestPagesOfOthers(t *testing.T) {
	leak.Check(t)
	open := serve(t, open(t, &Options{Hosts: []string{"dash.example"}}))
	locked := serve(t, openLocked(t))
	for _, s := range []*httptest.Server{open, locked} {
		own := strings.TrimPrefix(s.URL, "http://")
		for _, header := range [][]string{
			{"Host", "evil.example"},
			{"Host", "evil.example", "Origin", "http://evil.example"},
			{"Host", "127.0.0.1.evil.example"},
			{"Origin", "http://evil.example"},
			{"Origin", "null"},
			{"Origin", "http://" + own + ".evil.example"},
			{"Origin", "https://" + own, "Origin", "http://evil.example"},
		} {
			for path := range paths {
				answer, text := ask(t, s.Client(), s.URL+path, append(header, "Authorization", "Bearer "+token)...)
				if answer.StatusCode != http.StatusForbidden || strings.Contains(text, "<") || answer.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s with %q: %s %s", path, header, answer.Status, text)
				}
			}
		}
		if answer, _ := ask(t, s.Client(), s.URL+"/", "Origin", "http://"+own); answer.StatusCode != http.StatusOK {
			t.Error(answer.Status)
		}
	}
	if answer, _ := ask(t, open.Client(), open.URL+"/", "Host", "dash.example"); answer.StatusCode != http.StatusOK {
		t.Error(answer.Status)
	}
}

func openLocked(t *testing.T) *Dash {
	t.Helper()
	return open(t, &Options{Token: token})
}

// Every other method is refused: nothing can be changed.
func TestReadOnly(t *testing.T) {
	s := serve(t, open(t, nil))
	for path := range paths {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(make([]byte, 1000)))
			testkit.Check(t, err)
			answer, err := s.Client().Do(r)
			testkit.Check(t, err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %s", method, path, answer.Status)
			}
		}
	}
}

// A client elsewhere needs a token or a certificate, unless what stands before the handler knows it.
func TestNetworkNeedsAuthorization(t *testing.T) {
	lan := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
	status := func(d *Dash, change func(r *http.Request)) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1/licences.txt", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, lan))
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		return w.Code
	}
	verified := func(r *http.Request) {
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{nil}}}
	}
	plainTLS := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	plain, locked, public := open(t, nil), openLocked(t), open(t, &Options{Public: true})
	for i, c := range []struct {
		d      *Dash
		change func(*http.Request)
		want   int
	}{
		{plain, nil, http.StatusForbidden},
		{plain, plainTLS, http.StatusForbidden},
		{plain, verified, http.StatusOK},
		{locked, nil, http.StatusUnauthorized},
		{locked, plainTLS, http.StatusUnauthorized},
		{locked, verified, http.StatusOK},
		{locked, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, http.StatusOK},
		{public, nil, http.StatusOK},
	} {
		if got := status(c.d, c.change); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
}

// A listener that others reach needs a token or mutual TLS.
func TestServeRefusesTheNetwork(t *testing.T) {
	leak.Check(t)
	ca := testcert.NewAuthority(t)
	for i, c := range []struct {
		o       *Options
		config  *tls.Config
		refused bool
	}{
		{nil, nil, true}, {&Options{Public: true}, nil, true}, {nil, ca.Server(t), true}, {nil, ca.MutualServer(t), false}, {&Options{Token: token}, nil, false},
	} {
		d := open(t, c.o)
		ctx, cancel := context.WithCancel(t.Context())
		l, err := net.Listen("tcp", "0.0.0.0:0")
		testkit.Check(t, err)
		done := make(chan error, 1)
		go func() { done <- d.Serve(ctx, l, c.config) }()
		if !c.refused {
			conn, err := net.Dial("tcp", l.Addr().String())
			testkit.Check(t, err)
			conn.Close()
			cancel()
		}
		if err := <-done; (err != nil) != c.refused {
			t.Errorf("%d: %v", i, err)
		}
		cancel()
	}
}
