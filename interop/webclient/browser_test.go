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
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/web/jsclient"
)

//go:embed page.html
var page []byte

// A browser has no window. Its page plays the roles of a test.
type browser struct {
	next    chan task
	process *peer.Process

	mu    sync.Mutex
	lines map[string]chan string // that the roles print, by name
}

type task struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	Count int      `json:"count"`
	URLs  []string `json:"urls"`
}

// newBrowser starts a browser, which ends with the test. An error in the page, or on its console, fails the test.
func newBrowser(t *testing.T, p kit.Browser) *browser {
	t.Helper()
	arguments := p.Arguments(t, "browser.mjs")
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
	b.process = peer.Start(t, "node", append(arguments, server.URL)...)
	t.Cleanup(func() {
		faults := strings.NewReplacer("hidden\n", "", "visible\n", "").Replace(b.process.Wait())
		if faults != "" {
			t.Errorf("the page has faults:\n%s", faults)
		}
	})
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

// bring has the page come to the front, "show", or another tab before it, "hide".
func (b *browser) bring(t *testing.T, how, state string) {
	t.Helper()
	b.process.For(t)
	b.process.WriteLine(how)
	b.process.WaitLine(state)
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
