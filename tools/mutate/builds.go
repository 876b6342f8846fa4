// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A checker checks the types of changed packages, in milliseconds: a change that does not build is seen by no test.
type checker struct {
	fset  *token.FileSet
	types types.Config
}

// newChecker compiles what the packages of the tree import, or takes it from the build cache.
func newChecker(ctx context.Context, t *tree) (*checker, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./...")
	cmd.Dir = t.root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -export: %w", err)
	}
	compiled := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		compiled[path] = file
	}
	open := func(path string) (io.ReadCloser, error) {
		if compiled[path] == "" {
			return nil, fmt.Errorf("%s is not compiled", path)
		}
		return os.Open(compiled[path])
	}
	fset := token.NewFileSet()
	return &checker{fset, types.Config{Importer: importer.ForCompiler(fset, "gc", open)}}, nil
}

// builds reports why a package does not build with these contents of one of its files.
func (c *checker) builds(p *pkg, changed string, contents []byte) error {
	var files []*ast.File
	for _, name := range p.files() {
		var source any
		if name == changed {
			source = contents
		}
		f, err := parser.ParseFile(c.fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	_, err := c.types.Check(p.ImportPath, c.fset, files, nil)
	return err
}
