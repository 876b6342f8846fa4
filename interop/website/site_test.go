// SPDX-License-Identifier: MIT

package website_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

const root = "../.."

// TestSite reads the site in browsers: on a phone and on a desk, dark and light, with the search. It is built where there is no network.
func TestSite(t *testing.T) {
	if !kit.Long {
		t.Skip("building the site takes a minute: SPRY_LONG=1 does it")
	}
	site := build(t)
	var pages []string
	testkit.Check(t, fs.WalkDir(os.DirFS(site), ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".html") && name != "404.html" {
			pages = append(pages, name)
		}
		return err
	}))
	if len(pages) < 100 {
		t.Errorf("the site has only %d pages", len(pages))
	}
	list := filepath.Join(t.TempDir(), "pages")
	testkit.Check(t, os.WriteFile(list, []byte(strings.Join(pages, "\n")), 0o600))
	for name, browser := range kit.Browsers {
		t.Run(name, func(t *testing.T) {
			files := http.FileServer(http.Dir(site))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/favicon.ico" { // browsers ask for it, and the site has none
					w.WriteHeader(http.StatusNoContent)
					return
				}
				files.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			last := ""
			p := peer.Start(t, "node", append(browser.Arguments(t, "site.mjs"), server.URL, list)...)
			for line := p.NextLine(); line != "done"; line = p.NextLine() {
				if !strings.HasPrefix(line, "has ") {
					t.Errorf("the site has a fault: %s", line)
				}
				last = line
			}
			t.Log(last)
		})
	}
}

// build builds the site in a network name space without interfaces, once npm and Go have what they need.
func build(t *testing.T) string {
	t.Helper()
	kit.Builder.NodeModules(t, root+"/docs/site") // fills npm's cache
	out, tool := filepath.Join(t.TempDir(), "site"), filepath.Join(kit.Scratch, "site")
	run := func(dir string, command ...string) {
		t.Helper()
		c := exec.Command(command[0], command[1:]...)
		c.Dir = dir
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, text)
		}
	}
	run(root+"/tools", "env", "GOWORK=off", "go", "build", "-o", tool, "./site")
	run(root, "go", "list", "work")
	unshare := []string{peer.Find(t, "unshare", "util-linux"), "--net"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	if text, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Logf("NOT TESTED: that the build needs no network, because this system makes no name space without one: %v: %s", err, text)
		unshare = nil
	}
	run(root, append(unshare, tool, "-o", out, ".")...)
	return out
}
