// SPDX-License-Identifier: MIT

package webclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

// TestPages uses the pages of the examples in browsers. Pictures of them in Chromium go to the folder SPRY_SCREENS, if it is set.
func TestPages(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	for browser, product := range kit.Browsers {
		for _, name := range []string{"webchat", "livechart", "jobform", "wasm"} {
			t.Run(browser+"/"+name, func(t *testing.T) {
				folder := os.Getenv("SPRY_SCREENS")
				if folder == "" || browser != "Chromium" {
					folder = t.TempDir()
				}
				at := serveExample(t, name)
				p := peer.Start(t, "node", append(product.Arguments(t, "pages.mjs"), name, at, folder)...)
				p.WaitLine("done")
				if got := p.Wait(); got != "done\n" {
					t.Errorf("the page has faults:\n%s", got)
				}
				pictures, err := filepath.Glob(filepath.Join(folder, name+"-*.png"))
				testkit.Check(t, err)
				if len(pictures) != 4 {
					t.Errorf("pictures: %v", pictures)
				}
			})
		}
	}
}

// TestCookbookPage uses the page of the cookbook's chat in browsers.
func TestCookbookPage(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	text, err := os.ReadFile("../../docs/cookbook/browser.md")
	testkit.Check(t, err)
	_, page, _ := strings.Cut(string(text), "const chatPage = `")
	page, _, whole := strings.Cut(page, "`")
	if !whole {
		t.Fatal("docs/cookbook/browser.md has no page")
	}
	for browser, product := range kit.Browsers {
		t.Run(browser, func(t *testing.T) {
			in, out := spry.NewPull(nil), spry.NewPub(nil)
			var passing sync.WaitGroup
			passing.Go(func() {
				for line, err := range in.Bodies(kit.Watched(t)) {
					if err != nil || out.Send(kit.Watched(t), line) != nil {
						return
					}
				}
			})
			mux := http.NewServeMux()
			mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = io.WriteString(w, page)
			})
			mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			mux.Handle("/spry.js", jsclient.Script())
			mux.Handle("/in", web.Handler(in, nil))
			mux.Handle("/out", web.Handler(out, nil))
			server := httptest.NewServer(mux)
			t.Cleanup(func() {
				testkit.CloseAll(t, in, out)
				passing.Wait()
				server.Close()
			})
			p := peer.Start(t, "node", append(product.Arguments(t, "pages.mjs"), "cookbook", server.URL, t.TempDir())...)
			p.WaitLine("done")
			if got := p.Wait(); got != "done\n" {
				t.Errorf("the page has faults:\n%s", got)
			}
		})
	}
}

// serveExample runs an example, and returns the URL of its page.
func serveExample(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "../../examples/"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	at := "http://" + peer.TCPAddress(t)
	args := []string{"-url", at}
	if name == "wasm" {
		folder := filepath.Dir(compiled(t, "js", "../../examples/wasm/page"))
		testkit.Check(t, os.Symlink(support(t, "wasm_exec.js"), filepath.Join(folder, "wasm_exec.js")))
		args = append(args, "-files", folder)
	}
	peer.Start(t, program, args...)
	peer.WaitListening(t, at)
	return at
}
