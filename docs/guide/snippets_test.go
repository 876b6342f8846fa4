// SPDX-License-Identifier: MIT

// Package guide_test checks the guide: its Go examples compile, its links lead somewhere, and its lists of reasons
// are those of the code.
package guide_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

// A snippet is a fenced block of Go.
type snippet struct {
	file string
	line int // of its first line
	code string
}

func guideFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) < 8 {
		t.Fatalf("the guide has %d documents: %v", len(files), err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func snippets(t *testing.T) (all []snippet) {
	t.Helper()
	for _, file := range guideFiles(t) {
		var at *snippet
		for i, line := range strings.Split(read(t, file), "\n") {
			switch {
			case at == nil && line == "```go":
				at = &snippet{file: file, line: i + 2}
			case at != nil && line == "```":
				all = append(all, *at)
				at = nil
			case at != nil:
				at.code += line + "\n"
			}
		}
		if at != nil {
			t.Errorf("%s:%d: the block does not end", at.file, at.line)
		}
	}
	return all
}

// packages are what examples may use, by the names by which they use them.
var packages = map[string]string{
	"bytes": "bytes", "context": "context", "errors": "errors", "fmt": "fmt", "log": "log", "net": "net", "os": "os",
	"slog": "log/slog", "sync": "sync", "testing": "testing", "time": "time", "tls": "crypto/tls", "x509": "crypto/x509",
	"spry":          "github.com/sprymq/spry",
	"tcp":           "github.com/sprymq/spry/transport/tcp",
	"transport":     "github.com/sprymq/spry/transport",
	"transporttest": "github.com/sprymq/spry/transport/transporttest",
	"zmq":           "github.com/sprymq/spry/zmq",
}

// given is the function that examples of statements stand in.
const given = `func _(ctx context.Context, push *spry.Push, pull *spry.Pull, pub *spry.Pub, sub *spry.Sub, req *spry.Req, ` +
	`rep *spry.Rep, surveyor *spry.Surveyor, respondent *spry.Respondent, pair *spry.Pair, poly *spry.PairPoly, bus *spry.Bus) error {{`

// source makes a file of a snippet: a whole file as it is, declarations with the imports that they need,
// statements in a function besides.
func (s snippet) source() string {
	at := fmt.Sprintf("//line %s:%d\n", s.file, s.line)
	if strings.HasPrefix(s.code, "package ") {
		return at + s.code
	}
	body := at + s.code
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+s.code, parser.SkipObjectResolution); err != nil {
		body = given + "\n" + at + s.code + "}; return nil }\n"
	}
	used := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\b([a-z0-9]+)\.[A-Z]`).FindAllStringSubmatch(body, -1) {
		used[m[1]] = true
	}
	imports := ""
	for name := range used {
		if p := packages[name]; p != "" {
			imports += fmt.Sprintf("import %s %q\n", name, p)
		}
	}
	return "package p\n" + imports + body
}

func TestExamplesCompile(t *testing.T) {
	fset := token.NewFileSet()
	config := types.Config{
		Importer: testkit.Importer(t, fset, slices.Collect(maps.Values(packages))...), Error: func(err error) { t.Error(err) },
		Sizes: types.SizesFor("gc", runtime.GOARCH),
	}
	all := snippets(t)
	for _, s := range all {
		f, err := parser.ParseFile(fset, "generated", s.source(), parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		_, _ = config.Check("p", fset, []*ast.File{f}, nil) // config.Error is told everything
	}
	t.Logf("%d examples", len(all))
	if len(all) < 30 {
		t.Errorf("only %d examples were found", len(all))
	}
}

var (
	fences  = regexp.MustCompile("(?ms)^```.*?\n```$")
	links   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// anchors are the names that a document's headings can be linked by.
func anchors(text string) map[string]bool {
	as := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		as[strings.ReplaceAll(name, " ", "-")] = true
	}
	return as
}

func TestLinks(t *testing.T) {
	files := guideFiles(t)
	for _, pattern := range []string{"../../*.md", "../wire/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	checked := 0
	for _, file := range files {
		text := fences.ReplaceAllString(read(t, file), "")
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			at := file
			if target != "" {
				at = path.Join(path.Dir(filepath.ToSlash(file)), target)
			}
			checked++
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if anchor != "" && !anchors(read(t, at))[anchor] {
				t.Errorf("%s links to %s, which has no such heading", file, m[1])
			}
		}
	}
	t.Logf("%d links", checked)
}

// TestReasons compares the reasons that the guide explains with those that the code has.
func TestReasons(t *testing.T) {
	text := read(t, "errors.md")
	for name, r := range testkit.DeclaredReasons(t, "../..") {
		if !regexp.MustCompile("(?m)^\\|.*`" + string(r) + "`.*\\|$").MatchString(text) {
			t.Errorf("errors.md does not explain %q (Reason%s)", r, name)
		}
	}
}
