// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src 'self'">`

// TestCheckFindsEachFault breaks a whole site in one way after another.
func TestCheckFindsEachFault(t *testing.T) {
	front := policy + `<h1 id="top"></h1><a href="/more#part">more</a><a href="#top">top</a>`
	for _, c := range []struct{ name, file, text, want string }{
		{"whole", "index.html", front, ""},
		{"dead link", "index.html", front + `<a href="/gone">gone</a>`, "leads nowhere"},
		{"dead anchor", "index.html", front + `<a href="more#gone">gone</a>`, "leads to no heading"},
		{"unreached page", "alone.html", policy, "no link leads to alone.html"},
		{"foreign picture", "index.html", front + `<img src="https://example.com/a.png">`, "asks another host"},
		{"foreign font", "a.css", `@font-face{src:url(https://example.com/a.woff2)}`, "asks another host"},
		{"foreign script", "a.js", `import("https://example.com/a.js")`, "asks another host"},
		{"no policy", "more.html", `<h2 id="part"></h2>`, "no Content-Security-Policy"},
		{"no index", "localSearchIndex.js", `{}`, "does not find"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{
				"index.html": front, "more.html": policy + `<h2 id="part"></h2>`, "localSearchIndex.js": strings.Join(words, " "),
			}
			files[c.file] = c.text
			folder := t.TempDir()
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := check(folder)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTargets tests where links of documents lead on their pages.
func TestTargets(t *testing.T) {
	s := staging{pages: map[string]string{
		"README.md": "overview.md", "docs/guide/README.md": "docs/guide/index.md", "docs/guide/queues.md": "docs/guide/queues.md",
		"examples/jobs/README.md": "examples/jobs/index.md",
	}}
	for to, want := range map[string]string{
		"README.md":           "/docs/guide/",
		"../../README.md#a":   "/overview#a",
		"queues.md":           "/docs/guide/queues",
		"../../examples/jobs": "/examples/jobs/",
		"../../budget.go":     forge + "budget.go",
		"../images/a.svg":     "../images/a.svg",
		"https://go.dev":      "https://go.dev",
		"#here":               "#here",
	} {
		if got := s.target("docs/guide/patterns.md", "docs/guide/patterns.md", to); got != want {
			t.Errorf("%s leads to %s, want %s", to, got, want)
		}
	}
}
