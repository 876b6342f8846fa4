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

// TestMenu looks for every page in the menu, once, and for a page behind each of its links.
func TestMenu(t *testing.T) {
	s := staging{root: "../..", pages: map[string]string{}}
	if _, err := s.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{"/": 1} // the front page has no entry
	pages := map[string]bool{}
	m := s.menu([]item{{Text: "spry", Link: "/api/spry"}})
	for _, group := range m.Sidebar["/"] {
		for _, page := range group.Items {
			times[page.Link]++
		}
	}
	for file, page := range s.pages {
		link := "/" + strings.TrimSuffix(strings.TrimSuffix(page, ".md"), "index")
		pages[link] = true
		if times[link] != 1 {
			t.Errorf("%s is in the menu %d times", file, times[link])
		}
	}
	for _, entry := range m.Nav {
		if !pages[entry.Link] && entry.Link != "/api/" {
			t.Errorf("%s of the bar leads to no page: %s", entry.Text, entry.Link)
		}
	}
	for _, want := range []string{"/docs/guide/comparison", "/docs/guide/migrating-nng", "/docs/cookbook/worker-pool", "/docs/wire/sp", "/api/spry"} {
		if times[want] != 1 {
			t.Errorf("the menu has no %s", want)
		}
	}
	if s.err != nil {
		t.Error(s.err)
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
