// SPDX-License-Identifier: MIT

package kit

import (
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// A Browser is a product that pages are opened in: its name for puppeteer, its program, and its package of Debian.
type Browser struct{ name, program, pack string }

// Browsers are the products, by the names under which people know them.
var Browsers = map[string]Browser{
	"Chromium": {"chrome", "chromium", "chromium"},
	"Firefox":  {"firefox", "firefox-esr", "firefox-esr"},
}

// Arguments are the first ones of a script of [NodeFolder] that starts the browser.
func (b Browser) Arguments(t *testing.T, script string) []string {
	t.Helper()
	modules := Builder.NodeModules(t, NodeFolder+"/puppeteer")
	return []string{filepath.Join(NodeFolder, script), modules, b.name, peer.Find(t, b.program, b.pack), t.TempDir()}
}
