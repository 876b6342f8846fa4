// SPDX-License-Identifier: MIT

package spry_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

// TestStatsAreDocumented: who asks for the documentation of an alias is shown its comment only, so that the fields stand there
// as they do where they are declared.
func TestStatsAreDocumented(t *testing.T) {
	declared, shown := typesOf(t, "internal/stats/stats.go"), typesOf(t, "stats.go")
	for name, spec := range shown {
		declaredAs, ok := declared[name].Type.(*ast.StructType)
		if !ok {
			continue // of another package
		}
		fields := declaredAs.Fields.List
		var want strings.Builder
		for _, f := range fields {
			fmt.Fprintf(&want, "\t%-14s %-17s // %s", f.Names[0].Name, strings.ReplaceAll(types.ExprString(f.Type), "reasons.", ""), f.Comment.Text())
		}
		if got := spec.Doc.Text(); !strings.HasSuffix(got, "\n\n"+want.String()) {
			t.Errorf("stats.go: the comment of %s should end with\n%s\nIt is\n%s", name, want.String(), got)
		}
	}
	if len(shown) != len(declared) {
		t.Errorf("%d types are declared and %d shown", len(declared), len(shown))
	}
}

func typesOf(t *testing.T, file string) map[string]*ast.TypeSpec {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*ast.TypeSpec)
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			spec := g.Specs[0].(*ast.TypeSpec)
			spec.Doc = g.Doc
			found[spec.Name.Name] = spec
		}
	}
	return found
}
