// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// words are some that a reader may search for. The index must have each.
var words = []string{"linger", "curveserver", "backtrace", "quickstart", "newpairpoly", "nginx", "acknowledgements", "czmq"}

// A built page is what check knows of one.
type built struct {
	anchors map[string]bool
	links   []string
	policy  bool // it forbids requests to other hosts
}

// check reads a site and reports links that lead nowhere, pages that no link reaches, requests to other hosts, and words that the
// search does not find. It returns the number of pages.
func check(folder string) (int, error) {
	site := os.DirFS(folder)
	pages := map[string]*built{}
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	index := ""
	err := fs.WalkDir(site, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(site, name)
		if err != nil {
			return err
		}
		switch path.Ext(name) {
		case ".html":
			page, foreign, err := parse(string(text))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, f := range foreign {
				bad("%s asks another host: %s", name, f)
			}
			if !page.policy {
				bad("%s has no Content-Security-Policy", name)
			}
			pages[name] = page
		case ".css", ".js":
			for _, f := range requests.FindAllString(string(text), -1) {
				if strings.Contains(f, "api.iconify.design") {
					continue // of social links, which the site has none of; the policy forbids it, too
				}
				bad("%s asks another host: %s", name, f)
			}
			if strings.Contains(name, "localSearchIndex") {
				index += strings.ToLower(string(text))
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, word := range words {
		if !strings.Contains(index, word) {
			bad("the search does not find %q", word)
		}
	}
	reached := map[string]bool{"index.html": true, "404.html": true}
	for queue := []string{"index.html"}; len(queue) > 0; queue = queue[1:] {
		page := pages[queue[0]]
		if page == nil {
			return 0, errors.New("the site has no front page")
		}
		for _, to := range page.links {
			name, anchor := resolve(queue[0], to)
			target := pages[name]
			if target == nil {
				if _, err := fs.Stat(site, name); err != nil {
					bad("%s: %s leads nowhere", queue[0], to)
				}
				continue
			}
			if anchor != "" && !target.anchors[anchor] {
				bad("%s: %s leads to no heading", queue[0], to)
			}
			if !reached[name] {
				reached[name] = true
				queue = append(queue, name)
			}
		}
	}
	for name := range pages {
		if !reached[name] {
			bad("no link leads to %s", name)
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return len(pages), errors.Join(problems...)
}

// requests are what makes style sheets and scripts fetch from other hosts. Pages forbid it besides, by their policy.
var requests = regexp.MustCompile(`(?:url\(|@import |\bimport\(|\bfrom|\bfetch\(|importScripts\()\s*["']?(?:https?:)?//[^"')\s]+`)

// parse reads a page, and lists what it fetches from other hosts.
func parse(text string) (page *built, foreign []string, err error) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	page = &built{anchors: map[string]bool{}}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				page.anchors[a.Val] = true
			case a.Key == "content" && strings.HasPrefix(a.Val, "default-src 'self'; "):
				page.policy = true
			case a.Key == "href" && n.Data == "a":
				if u, err := url.Parse(a.Val); err != nil || u.Scheme == "" && u.Host == "" {
					page.links = append(page.links, a.Val)
				}
			case a.Key == "href" || a.Key == "src" || a.Key == "srcset" || a.Key == "action" || a.Key == "poster" || a.Key == "data":
				if strings.Contains(a.Val, "//") {
					foreign = append(foreign, a.Val)
				}
			}
		}
	}
	return page, foreign, nil
}

// resolve finds the file that a link on a page leads to.
func resolve(page, to string) (name, anchor string) {
	to, anchor, _ = strings.Cut(to, "#")
	if unescaped, err := url.PathUnescape(anchor); err == nil {
		anchor = unescaped
	}
	switch {
	case to == "":
		return page, anchor
	case strings.HasPrefix(to, "/"):
		name = strings.TrimPrefix(path.Clean(to), "/")
	default:
		name = path.Join(path.Dir(page), to)
	}
	if strings.HasSuffix(to, "/") {
		name = path.Join(name, "index.html")
	} else if path.Ext(name) == "" {
		name += ".html"
	}
	return name, anchor
}
