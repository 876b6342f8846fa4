// SPDX-License-Identifier: MIT

package dash_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// browsers are those that the page is looked at in, by the names that puppeteer has for them.
var browsers = map[string]struct{ program, pack string }{
	"chrome":  {"chromium", "chromium"},
	"firefox": {"firefox-esr", "firefox-esr"},
}

// A tab is a browser with the dashboard in it.
type tab struct {
	t       *testing.T
	process *peer.Process
}

func open(t *testing.T, name, url string) *tab {
	t.Helper()
	modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/puppeteer")
	program := peer.Find(t, browsers[name].program, browsers[name].pack)
	return &tab{t, peer.Start(t, "node", filepath.Join(kit.NodeFolder, "dashboard.mjs"), modules, name, program, t.TempDir(), url)}
}

// ask gives a command to the tab, and returns its answer. What is wrong on the page fails the test.
func (b *tab) ask(answer any, command ...string) {
	b.t.Helper()
	b.process.WriteLine(strings.Join(command, " "))
	var reply struct {
		Faults []string
		Answer json.RawMessage
	}
	if err := json.Unmarshal([]byte(b.process.NextLine()), &reply); err != nil {
		b.t.Fatalf("%s: %v", command, err)
	}
	if len(reply.Faults) > 0 {
		b.t.Fatalf("%s: the page has faults:\n%s", command, strings.Join(reply.Faults, "\n"))
	}
	if err := json.Unmarshal(reply.Answer, answer); err != nil {
		b.t.Fatalf("%s: %v in %s", command, err, reply.Answer)
	}
}

// eventually asks again until the answer is right.
func eventually[T any](b *tab, right func(T) bool, command ...string) {
	b.t.Helper()
	var last T
	defer func() {
		if b.t.Failed() {
			text, _ := json.Marshal(last) // it came as JSON
			b.t.Logf("the last answer to %s: %s", command, text)
		}
	}()
	kit.WaitFor(b.t, func() bool {
		var answer T
		b.ask(&answer, command...)
		last = answer
		return right(answer)
	})
}

// isAccessible has axe look at every view, on a desk and a phone, light and dark.
func isAccessible(t *testing.T, b *tab) {
	t.Helper()
	for _, size := range []string{"desk", "phone"} {
		for range 2 { // in both colours
			for _, view := range []string{"graph", "rates", "queues", "drops", "connections", "events", "node", "keys"} {
				var faults []string
				b.ask(&faults, "axe", size, view)
				for _, fault := range faults {
					t.Errorf("axe: %s", fault)
				}
			}
			var done bool
			b.ask(&done, "recolour")
		}
	}
}
