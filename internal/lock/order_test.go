// SPDX-License-Identifier: MIT

package lock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// places returns the list as it stands in the source.
func places(t *testing.T) (names []string, of map[string]int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "order.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	of = make(map[string]int)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			names = append(names, spec.Name.Name)
			length := spec.Type.(*ast.ArrayType).Len.(*ast.BasicLit)
			if of[spec.Name.Name], err = strconv.Atoi(length.Value); err != nil {
				t.Fatal(err)
			}
		}
		return true
	})
	return names, of
}

func TestTheListIsInOrder(t *testing.T) {
	names, of := places(t)
	if len(names) < 20 {
		t.Fatalf("only %d locks are found: %v", len(names), names)
	}
	for i, name := range names[1:] {
		if of[name] <= of[names[i]] {
			t.Errorf("%s (%d) stands behind %s (%d)", name, of[name], names[i], of[names[i]])
		}
	}
}

func TestEachLockOfTheListIsOneField(t *testing.T) {
	_, of := places(t)
	fields := make(map[string]int)
	declared := regexp.MustCompile(`\slock\.(?:RW)?Mutex\[lock\.(\w+)\]`)
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			if filepath.Base(filepath.Dir(path)) != "lock" {
				fields[string(m[1])]++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range of {
		if fields[name] != 1 {
			t.Errorf("%d fields are of the lock %s, want 1", fields[name], name)
		}
	}
}
