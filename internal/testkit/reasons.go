// SPDX-License-Identifier: MIT

package testkit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"
)

// DeclaredReasons are the constants of package reasons by their names. root is the path of the root module.
func DeclaredReasons(t testing.TB, root string) map[string]reasons.Reason {
	t.Helper()
	found := make(map[string]reasons.Reason)
	inspect(t, filepath.Join(root, "internal", "reasons", "reasons.go"), func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			Check(t, err)
			found[spec.Names[0].Name] = reasons.Reason(text)
		}
	})
	if len(found) == 0 {
		t.Fatal("package reasons declares none")
	}
	return found
}

// UsedReasons are the constants of package reasons that the code in and below a folder uses, tests left out, by their names.
func UsedReasons(t testing.TB, root, folder string) map[string]reasons.Reason {
	t.Helper()
	declared, used := DeclaredReasons(t, root), make(map[string]reasons.Reason)
	for _, path := range Sources(t, folder) {
		inspect(t, path, func(n ast.Node) {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "reasons" && s.Sel.Name != "Reason" {
					used[s.Sel.Name] = declared[s.Sel.Name]
				}
			}
		})
	}
	return used
}

// Sources are the paths of the Go files in and below a folder that are no tests.
func Sources(t testing.TB, folder string) (paths []string) {
	t.Helper()
	Check(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func inspect(t testing.TB, path string, f func(n ast.Node)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	Check(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		f(n)
		return true
	})
}
