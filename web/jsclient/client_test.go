// SPDX-License-Identifier: MIT

package jsclient_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

func get(t *testing.T, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/spry.js", nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	jsclient.Script().ServeHTTP(w, r)
	return w
}

func TestScript(t *testing.T) {
	want, err := os.ReadFile("dist/spry.js")
	testkit.Check(t, err)
	plain, zipped := get(t, nil), get(t, map[string]string{"Accept-Encoding": "br, GZIP;q=0.5"})
	for _, w := range []*httptest.ResponseRecorder{plain, zipped} {
		h := w.Result().Header
		if w.Code != http.StatusOK || h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Vary") != "Accept-Encoding" || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("%d %v", w.Code, h)
		}
	}
	if plain.Body.String() != string(want) {
		t.Error("the script is not that of the folder")
	}
	if n := zipped.Body.Len(); n > 12_000 {
		t.Errorf("compressed it has %d bytes", n)
	}
	r, err := gzip.NewReader(zipped.Body)
	testkit.Check(t, err)
	if got, err := io.ReadAll(r); err != nil || string(got) != string(want) {
		t.Errorf("uncompressed it is another: %v", err)
	}
	if plain.Header().Get("ETag") == zipped.Header().Get("ETag") {
		t.Error("both have one tag")
	}
	for _, w := range []*httptest.ResponseRecorder{plain, zipped} {
		again := get(t, map[string]string{"Accept-Encoding": w.Header().Get("Content-Encoding"), "If-None-Match": w.Header().Get("ETag")})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("asked again: %d, %d bytes", again.Code, again.Body.Len())
		}
	}
}

func TestEncodings(t *testing.T) {
	for accepted, want := range map[string]string{
		"": "", "br": "", "gzip": "gzip", "br,gzip": "gzip", "gzip;q=0": "", "gzip; q=0.0": "", "gzip;q=0.01": "gzip", "xgzip": "",
	} {
		if got := get(t, map[string]string{"Accept-Encoding": accepted}).Header().Get("Content-Encoding"); got != want {
			t.Errorf("for %q it is %q", accepted, got)
		}
	}
}

// A server has a page, the client, and a socket.
func Example() {
	rep := spry.NewRep(nil)
	defer rep.Close()
	mux := http.NewServeMux()
	mux.Handle("/spry.js", jsclient.Script())
	mux.Handle("/ask", web.Handler(rep, nil))
	server := httptest.NewServer(mux)
	defer server.Close()

	r, err := http.Get(server.URL + "/spry.js")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	fmt.Println(r.Header.Get("Content-Type"), strings.Contains(string(text), "export"), err)
	// Output: text/javascript; charset=utf-8 true <nil>
}
