// SPDX-License-Identifier: MIT

package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

// The command shows its own sockets, at an address of this machine or to the tools of its user.
func TestObserve(t *testing.T) {
	pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--observe", "127.0.0.1:0")
	node := pull.await(pull.stderr, `figures at (\S+)`)
	ls := start(t, nil, "ls", node)
	if code := ls.wait(); code != 0 || !strings.Contains(ls.stdout(), " pull ") {
		t.Errorf("exit %d: %s%s", code, ls.stdout(), ls.stderr())
	}

	folder, err := os.MkdirTemp("", "spry") // short: it has sockets
	testkit.Check(t, err)
	defer os.RemoveAll(folder)
	t.Setenv("XDG_RUNTIME_DIR", folder)
	t.Setenv("SPRY_OBSERVE", "local")
	rep := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--echo")
	rep.url()
	t.Setenv("SPRY_OBSERVE", "")
	testkit.Eventually(t, "the command is listed", func() bool {
		ls := start(t, nil, "ls")
		return ls.wait() == 0 && strings.Contains(ls.stdout(), " rep ")
	})

	for _, wrong := range []string{"0.0.0.0:0", "8080", "192.0.2.1:80"} {
		p := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--observe", wrong)
		if code := p.wait(); code != 2 || !strings.Contains(p.stderr(), "--observe") {
			t.Errorf("%s: exit %d: %s", wrong, code, p.stderr())
		}
	}
}
