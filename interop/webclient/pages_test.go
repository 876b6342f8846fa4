// SPDX-License-Identifier: MIT

package webclient_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestPages uses the pages of the examples in browsers. Pictures of them in Chromium go to the folder SPRY_SCREENS, if it is set.
func TestPages(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	for browser, product := range browsers {
		for _, name := range []string{"webchat", "livechart", "jobform", "wasm"} {
			t.Run(browser+"/"+name, func(t *testing.T) {
				folder := os.Getenv("SPRY_SCREENS")
				if folder == "" || browser != "Chromium" {
					folder = t.TempDir()
				}
				at := serveExample(t, name)
				p := peer.Start(t, "node", append(product.arguments(t, "pages.mjs"), name, at, folder)...)
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
