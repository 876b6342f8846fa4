// SPDX-License-Identifier: MIT

package gate

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/gateway"
)

func TestTokens(t *testing.T) {
	const one, two = "0123456789abcdef", "a-second-token-of-another-length"
	var all tokens
	if err := all.add("# comment\n\n  " + one + "\r\n" + two); err != nil {
		t.Fatal(err)
	}
	for header, good := range map[string]bool{
		"Bearer " + one: true, "bearer " + two: true, "": false, "Bearer": false, "Bearer ": false, "Basic " + one: false, one: false,
		"Bearer " + one + "x": false, "Bearer " + one[1:]: false, "Bearer # comment": false, "Bearer " + one + " " + two: false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		if err := all.authorize(r); (err == nil) != good {
			t.Errorf("%q: %v", header, err)
		}
		w := httptest.NewRecorder()
		all.guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
		if (w.Code == http.StatusNoContent) != good || !good && (w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer") {
			t.Errorf("%q: %d %v", header, w.Code, w.Header())
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", all, all, all); strings.Contains(text, one) || strings.Contains(text, two) {
		t.Error("tokens can be printed")
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("outside", "outside")
	put("public/index.html", "home")
	put("public/a.txt", "a")
	put("public/with/index.html", "with")
	put("public/without/b.txt", "b")
	put("public/.env", "secret")
	put("public/.git/config", "secret")
	linked := os.Symlink("../outside", filepath.Join(folder, "public", "link")) == nil
	for _, path := range []string{"/", "/site", "/site/"} {
		h, closeFiles, err := serveFiles(path, filepath.Join(folder, "public"))
		if err != nil {
			t.Fatal(err)
		}
		defer closeFiles()
		base := strings.TrimSuffix(path, "/")
		get := func(name string) (int, string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, base+name, nil))
			return w.Code, w.Body.String()
		}
		for name, want := range map[string]string{"/": "home", "/a.txt": "a", "/with/": "with", "/without/b.txt": "b"} {
			if code, text := get(name); code != http.StatusOK || text != want {
				t.Errorf("%s%s: %d %q", base, name, code, text)
			}
		}
		for _, name := range []string{"/without/", "/.env", "/.git/config", "/none", "/../outside", "/%2e%2e/outside", "/link"} {
			if code, text := get(name); code == http.StatusOK || strings.Contains(text, "secret") || strings.Contains(text, "outside") && name != "/../outside" {
				t.Errorf("%s%s: %d %q (linked %v)", base, name, code, text, linked)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, base+"/a.txt", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", w.Code)
		}
	}
}

// The access log has neither queries nor tokens, and a line for each request.
func TestAccessLog(t *testing.T) {
	var text bytes.Buffer
	known := proxies{Forwarded: gateway.Forwarded{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	mux := http.NewServeMux()
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "id-7")
		_, _ = io.WriteString(w, "hello")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
	})
	logged, done := logAccess(mux, slog.New(slog.NewTextHandler(&text, nil)), &known), make(chan struct{}, 3)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logged.ServeHTTP(w, r)
		done <- struct{}{}
	}))
	t.Cleanup(s.Close)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // which would try again after the upgrade
	for _, path := range []string{"/plain?token=secret", "/none%0A", "/upgrade"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer secret")
		r.Header.Set("X-Forwarded-For", "2001:db8::7")
		if answer, err := client.Do(r); err == nil {
			answer.Body.Close()
		}
		<-done
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	want := []string{
		"client=2001:db8::7 method=GET path=/plain status=200 bytes=5 duration=",
		`path="/none\n" status=404`, "path=/upgrade status=101",
	}
	if len(lines) != len(want) || strings.Contains(text.String(), "secret") || !strings.Contains(lines[0], "request_id=id-7") {
		t.Fatalf("%s", &text)
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) {
			t.Errorf("%s\nhas no %s", lines[i], w)
		}
	}
}

// A Unix socket that a process left is replaced, and one that is in use is not.
func TestUnixSocket(t *testing.T) {
	folder, err := os.MkdirTemp("", "spry-") // a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Skip("NOT TESTED: there are no Unix sockets here: ", err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	l := listener{address: "unix:" + path, mode: "0600"}
	on, err := l.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	if entry, err := os.Stat(path); err != nil || entry.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", entry, err)
	}
	if second, err := l.open(t.Context(), nil); err == nil {
		_ = second.Close()
		t.Error("a socket in use was taken")
	}
	if l.url(on.Addr()) != "http+unix:"+path {
		t.Error(l.url(on.Addr()))
	}
}
