// SPDX-License-Identifier: MIT

package webclient_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// support returns a file of Go's support for WebAssembly.
func support(t *testing.T, name string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	testkit.Check(t, err)
	return filepath.Join(strings.TrimSpace(string(root)), "lib/wasm", name)
}

// compiled is a program compiled to WebAssembly.
func compiled(t *testing.T, system, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "page.wasm")
	build := exec.Command("go", "build", "-o", program, folder)
	build.Env = append(os.Environ(), "GOOS="+system, "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestWebAssembly has Spry itself, compiled to WebAssembly, meet Spry by the WebSockets of Node.
func TestWebAssembly(t *testing.T) {
	program := compiled(t, "js", "./wasm")
	node := peer.Find(t, "node", "nodejs")
	for _, m := range meetings {
		if m.role != "req" && m.role != "push" && m.role != "pull" {
			continue
		}
		t.Run(m.role, func(t *testing.T) {
			kit.Results.Track(t, kit.Row("Spry in WebAssembly", m.role, "ws", "it dials"), kit.Library)
			t.Parallel()
			urls := urlsFor(t, 1)
			p := peer.Start(t, node, "--experimental-websocket", "--stack-size=8192", support(t, "wasm_exec_node.js"),
				program, m.role, strconv.Itoa(m.count), urls[0])
			m.play(t, urls)
			if got, want := p.WaitLine(""), fmt.Sprintf("%d %s", m.count, m.says); got != want {
				t.Errorf("it prints %q, want %q", got, want)
			}
		})
	}
}

// TestInprocOfWASI has both ends of inproc in a program for wasip1, which has no sockets.
func TestInprocOfWASI(t *testing.T) {
	if !kit.Long {
		t.Skip("compiling the standard library once more takes a while: SPRY_LONG=1 runs it")
	}
	program := compiled(t, "wasip1", "./wasm")
	p := peer.Start(t, peer.Find(t, "node", "nodejs"), "--no-warnings", "--stack-size=8192", filepath.Join(kit.NodeFolder, "wasi.mjs"), program, "inproc", "1000", "inproc://here")
	if got := p.WaitLine(""); got != "1000 replies" {
		t.Errorf("it prints %q", got)
	}
}
