// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A listed is a package as go list describes it.
type listed struct {
	ImportPath, Name, Export string
	DepOnly                  bool
	GoFiles                  []string
	Module                   *struct{ Path, Dir string }
}

// public reports whether programs of others can import the package.
func (p listed) public() bool {
	return !p.DepOnly && p.Name != "main" && len(p.GoFiles) > 0 && !slices.Contains(strings.Split(p.ImportPath, "/"), "internal")
}

// describe returns the lines of each file of the folder api.
func describe(root string) (map[string][]string, error) {
	files := make(map[string][]string)
	modules, err := goList(root, "-m", "-json=Dir")
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := describeModule(m.Dir, files); err != nil {
			return nil, err
		}
	}
	for _, lines := range files {
		slices.Sort(lines)
	}
	return files, nil
}

func describeModule(dir string, files map[string][]string) error {
	packages, err := goList(dir, "-export", "-deps", "-json=ImportPath,Name,Export,DepOnly,GoFiles,Module", "./...")
	if err != nil {
		return err
	}
	exports := make(map[string]string)
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range packages {
		if !p.public() {
			continue
		}
		described, err := imports.Import(p.ImportPath)
		if err != nil {
			return err
		}
		below := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
		name, _, _ := strings.Cut(below, "/")
		if name == "" {
			name = described.Name()
			below = name
		}
		if lines := describePackage(below, described); len(lines) > 0 {
			files[name+".txt"] = append(files[name+".txt"], lines...)
		}
	}
	return nil
}

// A module or a package.
type item struct {
	listed
	Dir string
}

// goList runs go list in a folder.
func goList(dir string, args ...string) (all []item, err error) {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"list"}, args...)...)
	cmd.Dir, cmd.Stderr = filepath.Clean(dir), os.Stderr
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOWORK=") // the workspace's, whichever this tool is run by
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", dir, err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var i item
		if err := d.Decode(&i); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
}
