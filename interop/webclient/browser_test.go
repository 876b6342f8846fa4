// SPDX-License-Identifier: MIT

package webclient_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/web/jsclient"
)

//go:embed page.html
var page []byte

// A browser is Chromium, without a window, with a page that plays the roles of a test.
type browser struct {
	next chan task

	mu    sync.Mutex
	lines map[string]chan string // that the roles print, by name
}

type task struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	Count int      `json:"count"`
	URLs  []string `json:"urls"`
}

// newBrowser starts Chromium, which ends with the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := peer.Find(t, "chromium", "chromium")
	b := &browser{next: make(chan task), lines: make(map[string]chan string)}
	roles, err := os.ReadFile(filepath.Join(kit.NodeFolder, "client.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/spry.js", jsclient.Script())
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.HandleFunc("/roles.mjs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(roles)
	})
	mux.HandleFunc("/favicon.ico", http.NotFound)
	mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case next := <-b.next:
			_ = json.NewEncoder(w).Encode(next)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/report", func(_ http.ResponseWriter, r *http.Request) {
		var report struct{ Name, Text string }
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			t.Errorf("a report of the page: %v", err)
			return
		}
		if lines := b.linesOf(report.Name); lines != nil {
			lines <- report.Text
		} else {
			t.Errorf("the page reports %q", report.Text)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	peer.Start(t, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+filepath.Join(kit.Scratch, "chromium"+t.Name()), server.URL)
	return b
}

func (b *browser) linesOf(name string) chan string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[name]
}

// play is a host.
func (b *browser) play(t *testing.T, role string, count int, urls ...string) run {
	t.Helper()
	b.mu.Lock()
	name, lines := fmt.Sprint(len(b.lines)), make(chan string, 10)
	b.lines[name] = lines
	b.mu.Unlock()
	select {
	case b.next <- task{name, role, count, urls}:
	case <-kit.Watched(t).Done():
		t.Fatal("the browser asks for no role")
	}
	return pageRun(lines)
}

type pageRun chan string

func (r pageRun) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r:
		return line
	case <-kit.Watched(t).Done():
		t.Fatal("the page prints nothing")
		return ""
	}
}
