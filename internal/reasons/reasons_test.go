// SPDX-License-Identifier: MIT

package reasons_test

import (
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

const (
	root   = "../.."
	module = "github.com/sprymq/spry"
	reason = module + "/internal/reasons.Reason"
)

// Package spry exports each reason, documented, under a name that says its text.
func TestReasonsAreExported(t *testing.T) {
	declared := testkit.DeclaredReasons(t, root)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "reason.go"), nil, parser.ParseComments)
	testkit.Check(t, err)
	exported := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				spec := s.(*ast.ValueSpec)
				doc := spec.Doc.Text()
				if len(g.Specs) == 1 {
					doc = g.Doc.Text()
				}
				name := strings.TrimPrefix(types.ExprString(spec.Values[0]), "reasons.")
				exported[name] = true
				if spec.Names[0].Name != "Reason"+name || !strings.HasPrefix(doc, "Reason"+name+" means that ") {
					t.Errorf("reasons.%s is exported as %s, with the documentation %q", name, spec.Names[0], doc)
				}
			}
		}
		return true
	})
	for name, r := range declared {
		if !exported[name] {
			t.Errorf("reason.go does not export %s", name)
		}
		if !strings.EqualFold(name, strings.ReplaceAll(string(r), "_", "")) {
			t.Errorf("%s is %q: a name says its text", name, r)
		}
	}
}

// Every reason that there is can come, and every reason that can come is one of them: outside of its package, no other constant
// is a Reason, and nothing is converted to one.
func TestReasonsOfTheCode(t *testing.T) {
	declared := testkit.DeclaredReasons(t, root)
	used := testkit.UsedReasons(t, root, filepath.Join(root, "internal"))
	maps.Copy(used, testkit.UsedReasons(t, root, filepath.Join(root, "zmq")))
	for name := range declared {
		if _, ok := used[name]; !ok {
			t.Errorf("no code uses %s", name)
		}
	}
	fset := token.NewFileSet()
	imports := testkit.Importer(t, fset, module+"/zmq")
	checked := 0
	for _, folder := range []string{".", "internal/engine", "internal/pattern", "internal/wire", "internal/wire/sp", "internal/wire/zmtp", "zmq"} {
		info := check(t, fset, imports, folder)
		for e, v := range info.Types {
			if v.Type == nil || v.Type.String() != reason {
				continue
			}
			checked++
			call, isCall := e.(*ast.CallExpr)
			_, isLiteral := e.(*ast.BasicLit)
			if isLiteral && constant.StringVal(v.Value) != "" || isCall && info.Types[call.Fun].IsType() {
				t.Errorf("%s makes a reason of its own: %s", fset.Position(e.Pos()), types.ExprString(e))
			}
		}
	}
	if checked < len(declared) {
		t.Errorf("only %d expressions are reasons", checked)
	}
}

// check finds the types of a package, whose tests and other systems' files are left out.
func check(t *testing.T, fset *token.FileSet, imports types.Importer, folder string) *types.Info {
	t.Helper()
	p, err := build.ImportDir(filepath.Join(root, folder), 0)
	testkit.Check(t, err)
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(root, folder, name), nil, 0)
		testkit.Check(t, err)
		files = append(files, f)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue)}
	_, err = (&types.Config{Importer: imports}).Check(folder, fset, files, info)
	testkit.Check(t, err)
	return info
}
