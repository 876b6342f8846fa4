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

// TestPages uses the pages of the examples in a browser. Pictures of them go to the folder SPRY_SCREENS, if it is set.
func TestPages(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	chromium := peer.Find(t, "chromium", "chromium")
	modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/puppeteer")
	for _, name := range []string{"webchat", "livechart", "jobform", "wasm"} {
		t.Run(name, func(t *testing.T) {
			folder := os.Getenv("SPRY_SCREENS")
			if folder == "" {
				folder = t.TempDir()
			}
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
			p := peer.Start(t, "node", filepath.Join(kit.NodeFolder, "pages.mjs"), modules, chromium, filepath.Join(t.TempDir(), "profile"), name, at, folder)
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
