// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// forge is where links to files lead that are no pages.
const forge = "https://github.com/sprymq/spry/blob/main/"

// stage fills the folder work with all that VitePress needs: pages, pictures, configuration, and the list of pages.
func stage(ctx context.Context, root, work string) error {
	s := staging{root: root, work: work, pages: map[string]string{}}
	files, err := s.list(ctx)
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasPrefix(file, "docs/images/") && !strings.HasPrefix(file, "docs/images/src/") {
			s.copy(file, file)
		}
	}
	for file, page := range s.pages {
		s.page(file, page)
	}
	s.copy("docs/site/package.json", "package.json")
	s.copy("docs/site/package-lock.json", "package-lock.json")
	s.copy("docs/site/config.mjs", ".vitepress/config.mjs")
	s.copy("docs/site/theme/index.mjs", ".vitepress/theme/index.mjs")
	s.copy("docs/site/theme/style.css", ".vitepress/theme/style.css")
	packages := s.packages(ctx)
	menu, err := json.Marshal(s.menu(packages))
	if err != nil {
		return err
	}
	s.write(".vitepress/pages.json", string(menu))
	return s.err
}

// list finds all files of the repository, and the pages among them.
func (s *staging) list(ctx context.Context) (files []string, err error) {
	out, err := exec.CommandContext(ctx, "git", "-C", s.root, "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		files = append(files, file)
		if path.Ext(file) == ".md" && !hidden(file) {
			s.pages[file] = pagePath(file)
		}
	}
	return files, nil
}

// hidden reports whether a document is none of the site's: it is for tests or for the forge.
func hidden(file string) bool {
	return strings.HasPrefix(file, ".") || strings.Contains(file, "testdata/")
}

// pagePath is where the page of a document is: at its own path, and at that of its folder if it is the folder's README.
func pagePath(file string) string {
	switch file {
	case "docs/site/index.md":
		return "index.md"
	case "README.md":
		return "overview.md"
	}
	if path.Base(file) == "README.md" {
		return path.Join(path.Dir(file), "index.md")
	}
	return file
}

// staging remembers its first error.
type staging struct {
	root, work string
	pages      map[string]string // the path of each document's page
	err        error
}

func (s *staging) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *staging) read(file string) string {
	b, err := os.ReadFile(filepath.Join(s.root, file))
	if err != nil {
		s.fail(err)
	}
	return string(b)
}

func (s *staging) write(file, text string) {
	file = filepath.Join(s.work, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.fail(err)
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.fail(err)
	}
}

func (s *staging) copy(from, to string) { s.write(to, s.read(from)) }

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// page writes the page of a document. Its links lead to pages, or to the forge.
func (s *staging) page(file, page string) {
	var text strings.Builder
	fence := ""
	for line := range strings.Lines(s.read(file)) {
		mark := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && strings.HasPrefix(mark, "```"):
			fence = mark[:len(mark)-len(strings.TrimLeft(mark, "`"))]
		case fence != "" && strings.HasPrefix(mark, fence):
			fence = ""
		case fence == "":
			line = link.ReplaceAllStringFunc(line, func(l string) string {
				return "](" + s.target(file, page, l[2:len(l)-1]) + ")"
			})
		}
		text.WriteString(line)
	}
	s.write(page, text.String())
}

// target is where the link of a document leads on its page.
func (s *staging) target(file, page, to string) string {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "/") || strings.HasPrefix(to, "mailto:") {
		return to
	}
	to, anchor, found := strings.Cut(to, "#")
	if found {
		anchor = "#" + anchor
	}
	to = path.Join(path.Dir(file), to)
	if strings.HasPrefix(to, "docs/images/") && !strings.HasPrefix(to, "docs/images/src/") {
		relative, err := filepath.Rel(path.Dir(page), to)
		if err != nil {
			s.fail(err)
		}
		if !strings.HasPrefix(relative, ".") {
			relative = "./" + relative
		}
		return relative
	}
	for _, document := range []string{to, path.Join(to, "README.md")} {
		if p := s.pages[document]; p != "" {
			return "/" + strings.TrimSuffix(strings.TrimSuffix(p, ".md"), "index") + anchor
		}
	}
	return forge + to + anchor
}

// An item is an entry of a menu, as VitePress has them.
type item struct {
	Text      string `json:"text"`
	Link      string `json:"link,omitempty"`
	Items     []item `json:"items,omitempty"`
	Collapsed *bool  `json:"collapsed,omitempty"`
}

type menu struct {
	Nav     []item            `json:"nav"`
	Sidebar map[string][]item `json:"sidebar"`
}

var (
	row     = regexp.MustCompile(`^\| \[([^\]]+)\]\(([^)]+)\) \|`)
	section = regexp.MustCompile(`^\| \*\*([^*]+)\*\*`)
)

// menu is made of the tables of docs/guide/README.md and docs/cookbook/README.md, of the titles of documents that these do not list, and of the
// packages.
func (s *staging) menu(packages []item) menu {
	side := []item{{Text: "Spry", Items: []item{{Text: "Overview", Link: "/overview"}, {Text: "The guide", Link: "/docs/guide/"}}}}
	side = append(side, s.sections("docs/guide/README.md")...)
	folded := true
	cookbook := item{Text: "Cookbook", Collapsed: &folded}
	for _, section := range s.sections("docs/cookbook/README.md") {
		cookbook.Items = append(cookbook.Items, section.Items...)
	}
	side = append(side, cookbook)
	listed := map[string]bool{"/": true}
	for _, section := range side {
		for _, page := range section.Items {
			listed[page.Link] = true
		}
	}
	groups := []item{
		{Text: "The guide, more"}, {Text: "Examples"}, {Text: "On the wire"}, {Text: "The project"},
	}
	for i := range groups {
		groups[i].Collapsed = &folded
	}
	for _, file := range sorted(s.pages) {
		to := "/" + strings.TrimSuffix(strings.TrimSuffix(s.pages[file], ".md"), "index")
		if listed[to] {
			continue
		}
		group := len(groups) - 1
		for i, folder := range []string{"docs/guide/", "examples/", "docs/wire/"} {
			if strings.HasPrefix(file, folder) {
				group = i
			}
		}
		groups[group].Items = append(groups[group].Items, item{Text: title(s.read(file)), Link: to})
	}
	groups = slices.DeleteFunc(groups, func(g item) bool { return g.Items == nil })
	side = append(side, groups...)
	side = append(side, item{Text: "API", Link: "/api/", Items: packages, Collapsed: &folded})
	return menu{
		Nav: []item{
			{Text: "Guide", Link: "/docs/guide/"},
			{Text: "Cookbook", Link: "/docs/cookbook/"},
			{Text: "Examples", Link: "/examples/"},
			{Text: "Comparison", Link: "/docs/guide/comparison"},
			{Text: "Migration", Link: "/docs/guide/migrating"},
			{Text: "API", Link: "/api/"},
			{Text: "Wire", Link: "/docs/wire/sp"},
			{Text: "Changes", Link: "/CHANGELOG"},
		},
		Sidebar: map[string][]item{"/": side},
	}
}

// sections are those of the table of a document, with the pages that it lists.
func (s *staging) sections(index string) (all []item) {
	for line := range strings.Lines(s.read(index)) {
		if m := section.FindStringSubmatch(line); m != nil {
			all = append(all, item{Text: m[1]})
		} else if m := row.FindStringSubmatch(line); m != nil && all != nil {
			last := &all[len(all)-1]
			last.Items = append(last.Items, item{Text: m[1], Link: s.target(index, s.pages[index], m[2])})
		}
	}
	return all
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// title is the first heading of a document.
func title(text string) string {
	for line := range strings.Lines(text) {
		if t, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(t)
		}
	}
	return "?"
}
