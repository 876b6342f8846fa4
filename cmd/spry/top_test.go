// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
)

// top shows the sockets and pipes of a node on a terminal: it sorts, filters, stops, shows details and help, and takes any size.
func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	node := observed(t)
	term := startOnTerminal(t, 150, 12, []string{"TERM=xterm-256color"}, binary, "top", node, "--interval", "100ms", "--sort", "name", "--filter", t.Name())
	term.await(`spry top: 1 process, \d+ sockets; by name`)
	term.keys("Escape") // all of them: those of other tests too
	term.await(`pull +jobs`)
	term.keys("/")
	term.await(`type a text`)
	term.typeText("push")
	term.await(`with push_`)
	term.keys("Enter")
	screen := term.await(`with push\b`)
	if strings.Contains(screen, " pull ") || !strings.Contains(screen, " push ") {
		t.Errorf("filtered by push:\n%s", screen)
	}
	term.keys("r")
	term.await(`by name, reversed`)
	term.keys("Right")
	term.await(`by pipes;`)
	term.keys("p")
	term.await(`peer +transport`)
	term.keys("p")
	term.keys("Enter")
	term.await(`push jobs, socket \d+: sent 1`)
	term.keys("Enter")
	term.keys("Space")
	term.await(`; stopped`)
	term.keys("?")
	term.await(`sort the other way round`)
	term.resize(40, 8)
	term.await(`…`)
	for line := range strings.Lines(term.screen(false)) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 40 {
			t.Errorf("%d columns on a terminal of 40: %q", n, line)
		}
	}
	term.keys("q")
	term.exit(0)
}

// A node that ends is shown as gone, and as it is when it is back. Texts that a node sends do not reach the terminal as they are.
func TestTopOfTroubledNodes(t *testing.T) {
	t.Parallel()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "evil\x1b]0;owned\x07\x1b[2J\nname"}})
	defer pull.Close()
	server := httptest.NewServer(observe.Handler(nil))
	term := startOnTerminal(t, 150, 20, nil, binary, "top", server.URL, "http://127.0.0.1:1", "--interval", "100ms", "--sort", "name", "--filter", "evil")
	screen := term.await(`spry top: 1 process, \d+ sockets?, 1 gone`)
	if !strings.Contains(screen, `evil\x1b]0;owned`) || strings.Contains(screen, "\x1b") {
		t.Errorf("the screen shows %q", screen)
	}
	server.Close()
	term.await(`spry top: 0 processes, 0 sockets, 2 gone`)
	term.await(`evil`) // as it was
	term.keys("C-c")
	term.exit(0)
}

// The processes of a machine appear while top runs, and NO_COLOR leaves out colours.
func TestTopOfTheMachine(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "spry") // short: it has sockets
	testkit.Check(t, err)
	defer os.RemoveAll(folder)
	term := startOnTerminal(t, 100, 10, []string{"XDG_RUNTIME_DIR=" + folder, "NO_COLOR=1"}, binary, "top", "--interval", "100ms")
	term.await(`No process of this user on this machine calls observe.ServeLocal`)
	if coloured := term.screen(true); regexp.MustCompile(`\x1b\[[0-9;]*[34][0-8]m`).MatchString(coloured) {
		t.Errorf("colours: %q", coloured)
	}
	term.keys("q")
	term.exit(0)
}

// In JSON, each round has a line for each row, with rates from the second on.
func TestTopJSON(t *testing.T) {
	t.Parallel()
	node := observed(t)
	p := start(t, nil, "top", node, "--json", "--count", "2", "--interval", "100ms", "--sort", "name", "--filter", "jobs")
	if code := p.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, p.stderr())
	}
	rounds := make(map[string]int)
	for line := range strings.Lines(p.stdout()) {
		var row map[string]any
		testkit.Check(t, json.Unmarshal([]byte(line), &row))
		rounds[row["at"].(string)]++
		for _, field := range []string{"node", "process", "pid", "instance", "socket", "protocol", "name", "pipes", "sent_rate", "oldest_age_ns", "reasons"} {
			if _, ok := row[field]; !ok {
				t.Errorf("%q lacks %s", line, field)
			}
		}
	}
	if len(rounds) != 2 {
		t.Errorf("%d rounds, want 2:\n%s", len(rounds), p.stdout())
	}
}
