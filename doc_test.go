// SPDX-License-Identifier: MIT

package spry_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsed returns the files of a folder, its tests included.
func parsed(t *testing.T, fset *token.FileSet, folder string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, name := range names {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// TestExamplesAreWhole: readers of the documentation see an example as a program that runs only if it needs nothing of other
// files.
func TestExamplesAreWhole(t *testing.T) {
	for folder, least := range map[string]int{".": 20, "zmq": 15} {
		n := 0
		for _, e := range doc.Examples(parsed(t, token.NewFileSet(), folder)...) {
			if e.Play == nil {
				t.Errorf("%s: Example%s is no whole program: declare what it uses in the same file", folder, e.Name)
			}
			n++
		}
		if n < least {
			t.Errorf("%s: only %d examples", folder, n)
		}
	}
}

// TestSocketsLeadToTheirEndpoints: Dial, Listen and Close are methods of an embedded Socket, which the documentation of a socket
// does not list. So its comment names them.
func TestSocketsLeadToTheirEndpoints(t *testing.T) {
	const end = "\nSee [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.\n"
	for folder, want := range map[string]struct {
		end   string
		least int
	}{".": {end, 12}, "zmq": {strings.ReplaceAll(end, "[", "[spry."), 19}} {
		found := 0
		for _, f := range parsed(t, token.NewFileSet(), folder) {
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.TYPE || !embedsSocket(g.Specs[0].(*ast.TypeSpec)) {
					continue
				}
				found++
				if !strings.HasSuffix(g.Doc.Text(), want.end) {
					t.Errorf("%s: the comment of %s does not end with %q", folder, g.Specs[0].(*ast.TypeSpec).Name, want.end[1:])
				}
			}
		}
		if found < want.least {
			t.Errorf("%s: only %d sockets were found", folder, found)
		}
	}
}

// TestFirstScreenNamesZeroMQ: who looks for ZeroMQ in Go reads no further than the first screen.
func TestFirstScreenNamesZeroMQ(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	screen := strings.Join(strings.SplitN(string(b), "\n", 21)[:20], "\n")
	for _, word := range []string{"ZeroMQ", "zmtp+tcp://", "[github.com/sprymq/spry/zmq]"} {
		if !strings.Contains(screen, word) {
			t.Errorf("the first 20 lines of doc.go do not have %q", word)
		}
	}
}

// embedsSocket reports whether an exported type has the methods of a Socket.
func embedsSocket(s *ast.TypeSpec) bool {
	x, ok := s.Type.(*ast.StructType)
	if !ok || !s.Name.IsExported() {
		return false
	}
	for _, f := range x.Fields.List {
		switch types.ExprString(f.Type) {
		case "Socket", "spry.Socket", "spry.Req", "spry.Rep", "directed":
			if len(f.Names) == 0 {
				return true
			}
		}
	}
	return false
}
