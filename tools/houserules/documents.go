// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// A document is a Markdown file.
type document struct {
	prose   []string        // its lines, with empty ones in place of fenced blocks
	blocks  []block         // the fenced blocks
	anchors map[string]bool // what links may name after a #
}

// A block is fenced text in a document.
type block struct {
	line     int // of its first line
	language string
	text     string
}

// checkDocuments checks every Markdown file below root: links lead to files and headings that exist, blocks are of languages that
// tests know, and those of YAML and JSON are well-formed.
func checkDocuments(root string) (breaches []string, files int, err error) {
	documents := map[string]document{}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") && e.Name() != ".github" || e.Name() == "testdata" || e.Name() == "node_modules"):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, ".md"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		documents[filepath.ToSlash(name)] = parseDocument(string(text))
		return nil
	})
	for name, d := range documents {
		report := func(line int, format string, args ...any) {
			breaches = append(breaches, fmt.Sprintf("%s:%d: %s", name, line, fmt.Sprintf(format, args...)))
		}
		for _, b := range d.blocks {
			if err := wellFormed(b); err != nil {
				report(b.line, "the block of %s: %v", b.language, err)
			}
		}
		for i, line := range d.prose {
			for _, target := range targets(line) {
				if err := checkLink(root, name, target, documents); err != nil {
					report(i+1, "%v", err)
				}
			}
		}
	}
	slices.Sort(breaches)
	return breaches, len(documents), err
}

var (
	fence    = regexp.MustCompile("^ *(`{3,}|~{3,})\\s*([^\\s`]*)")
	heading  = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.+?)\s*#*$`)
	linked   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	named    = regexp.MustCompile(`(?:id|name)="([^"]+)"`)
	codeSpan = regexp.MustCompile("``.*?``|`[^`]*`")
)

func parseDocument(text string) document {
	d := document{anchors: map[string]bool{}}
	open, code := "", []string(nil) // the fence of the block that the line is in
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		found := fence.FindStringSubmatch(line)
		switch {
		case open == "" && found != nil:
			open, code = found[1], nil
			d.blocks = append(d.blocks, block{line: i + 2, language: found[2]})
			if !strings.HasPrefix(line, "```"+found[2]) {
				d.blocks[len(d.blocks)-1].language = misplaced
			}
			line = ""
		case open != "" && found != nil && strings.HasPrefix(found[1], open) && found[2] == "":
			d.blocks[len(d.blocks)-1].text = strings.Join(code, "\n")
			open, line = "", ""
		case open != "":
			code = append(code, line)
			line = ""
		}
		d.prose = append(d.prose, line)
		if h := heading.FindStringSubmatch(line); h != nil {
			d.anchors[d.slug(h[1])] = true
		}
		for _, n := range named.FindAllStringSubmatch(line, -1) {
			d.anchors[n[1]] = true
		}
	}
	if open != "" {
		d.blocks[len(d.blocks)-1].language = unended
	}
	return d
}

// The languages of blocks that tests would not find, and of those that do not end.
const (
	misplaced = "a fence that does not begin its line with three backquotes"
	unended   = "no end"
)

// slug is the anchor that GitHub gives a heading: letters, digits, underscores and hyphens in lower case, hyphens for
// spaces, and a number if another heading has the same.
func (d document) slug(heading string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_', r == '-':
			return unicode.ToLower(r)
		}
		return -1
	}, linked.ReplaceAllString(heading, "$1"))
	unique := slug
	for n := 1; d.anchors[unique]; n++ {
		unique = slug + "-" + strconv.Itoa(n)
	}
	return unique
}

// languages are those of blocks. Tests compile Go and run commands, so these have one spelling each.
var languages = []string{"", "go", "sh", "json", "text", "console", "yaml", "ini", "dockerfile", "python", "nginx", "haproxy", "caddyfile"}

// wellFormed checks the language of a block, and its text if that is data.
func wellFormed(b block) error {
	var decode func(any) error
	switch b.language {
	case unended:
		return errors.New("the document ends within it")
	case "yaml":
		decode = yaml.NewDecoder(strings.NewReader(b.text)).Decode
	case "json":
		decode = json.NewDecoder(strings.NewReader(b.text)).Decode
	default:
		if !slices.Contains(languages, b.language) {
			return fmt.Errorf("no test knows this language; there are %q", languages)
		}
		return nil
	}
	for {
		var value any
		if err := decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// linkForms are the ways to write a link: of Markdown, with the address in parentheses, at the start of a line, or in
// brackets, and of HTML.
var linkForms = []*regexp.Regexp{
	regexp.MustCompile(`\]\(\s*<?([^)\s>]*)`),
	regexp.MustCompile(`^\s*\[[^\]]+\]:\s*<?([^\s>]+)`),
	regexp.MustCompile(`<([a-z]+:[^>\s]+)>`),
	regexp.MustCompile(`(?:href|src|srcset)="([^"]*)"`),
	regexp.MustCompile(`(?:^|[\s(])(https?://[^\s)>\]]+)`),
}

// targets are the addresses to which a line links.
func targets(line string) (found []string) {
	line = codeSpan.ReplaceAllString(line, "")
	for _, form := range linkForms {
		for _, m := range form.FindAllStringSubmatch(line, -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// checkLink returns what is wrong with a link of the document called name.
func checkLink(root, name, target string, documents map[string]document) error {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return fmt.Errorf("the link %s: %w", target, err)
	case target == "":
		return errors.New("a link to nothing")
	case u.Scheme == "mailto":
		return nil
	case u.Scheme == "http" && u.Hostname() != "localhost":
		return fmt.Errorf("the link %s: write https", target)
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http":
		return nil
	case u.Scheme != "" || u.Host != "":
		return fmt.Errorf("the link %s is neither https nor a relative path", target)
	case path.IsAbs(u.Path):
		return fmt.Errorf("the link %s: write a path relative to the document", target)
	}
	to := name
	if u.Path != "" {
		to = path.Join(path.Dir(name), u.Path)
	}
	if to == ".." || strings.HasPrefix(to, "../") {
		return fmt.Errorf("the link %s leads out of the tree", target)
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
		return fmt.Errorf("the link %s: %s does not exist", target, to)
	}
	if u.Fragment == "" {
		return nil
	}
	d, ok := documents[to]
	if !ok {
		return fmt.Errorf("the link %s: %s is no document, and has no headings", target, to)
	}
	if !d.anchors[u.Fragment] {
		return fmt.Errorf("the link %s: %s has no such heading", target, to)
	}
	return nil
}
