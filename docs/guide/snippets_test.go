// SPDX-License-Identifier: MIT

// Package guide_test checks the guide: its Go examples compile, and its lists of reasons are those of the code.
package guide_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
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
	"bytes": "bytes", "context": "context", "errors": "errors", "expvar": "expvar", "fmt": "fmt", "http": "net/http", "io": "io", "log": "log",
	"net": "net", "netip": "net/netip", "os": "os", "signal": "os/signal", "slices": "slices", "slog": "log/slog", "strconv": "strconv", "sync": "sync", "syscall": "syscall",
	"testing": "testing", "time": "time", "tls": "crypto/tls", "x509": "crypto/x509",
	"spry":          "github.com/sprymq/spry",
	"certs":         "github.com/sprymq/spry/certs",
	"gateway":       "github.com/sprymq/spry/gateway",
	"jsclient":      "github.com/sprymq/spry/web/jsclient",
	"observe":       "github.com/sprymq/spry/observe",
	"port":          "github.com/sprymq/spry/port",
	"sprytest":      "github.com/sprymq/spry/sprytest",
	"stream":        "github.com/sprymq/spry/stream",
	"fd":            "github.com/sprymq/spry/transport/fd",
	"tcp":           "github.com/sprymq/spry/transport/tcp",
	"transport":     "github.com/sprymq/spry/transport",
	"transporttest": "github.com/sprymq/spry/transport/transporttest",
	"web":           "github.com/sprymq/spry/web",
	"ws":            "github.com/sprymq/spry/transport/ws",
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

// TestReasons compares the reasons that the guide explains with those that the code has.
func TestReasons(t *testing.T) {
	text := read(t, "errors.md")
	for name, r := range testkit.DeclaredReasons(t, "../..") {
		if !regexp.MustCompile("(?m)^\\|.*`" + string(r) + "`.*\\|$").MatchString(text) {
			t.Errorf("errors.md does not explain %q (Reason%s)", r, name)
		}
	}
}
