// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A pkg is what go list says of a package.
type pkg struct {
	ImportPath, Dir, ForTest           string
	Standard                           bool
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

func (p *pkg) tested() bool { return len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 }

// declares reports whether a test function of that name is in the package's test files.
func (p *pkg) declares(test string) (bool, error) {
	for _, f := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		name := filepath.Join(p.Dir, f)
		source, err := os.ReadFile(name)
		if err != nil {
			return false, err
		}
		_, to, err := findDecl(name, source, test)
		if err != nil || to > 0 {
			return to > 0, err
		}
	}
	return false, nil
}

func (p *pkg) files() (names []string) {
	for _, f := range p.GoFiles {
		names = append(names, filepath.Join(p.Dir, f))
	}
	return names
}

// A tree is the packages of one module.
type tree struct {
	root   string
	byPath map[string]*pkg
	needs  map[string][]string // packages of the module that the tests of a package are built from
	mu     sync.Mutex          // guards sums
	sums   map[string]string   // of a package's folder
}

func loadTree(ctx context.Context, root string) (*tree, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-test", "-deps", "-json", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	t := &tree{root: root, byPath: map[string]*pkg{}, needs: map[string][]string{}, sums: map[string]string{}}
	var binaries []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &pkg{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		switch {
		case p.Standard || p.ForTest != "":
		case strings.HasSuffix(p.ImportPath, ".test"):
			binaries = append(binaries, p)
		case strings.HasPrefix(p.Dir, root):
			t.byPath[p.ImportPath] = p
		}
	}
	for _, b := range binaries {
		tests := strings.TrimSuffix(b.ImportPath, ".test")
		for _, dep := range b.Deps {
			dep, _, _ = strings.Cut(dep, " ") // without [for.test]
			if t.byPath[dep] != nil && !slices.Contains(t.needs[tests], dep) {
				t.needs[tests] = append(t.needs[tests], dep)
			}
		}
		slices.Sort(t.needs[tests])
	}
	return t, nil
}

// in returns the package of a folder.
func (t *tree) in(dir string) (*pkg, error) {
	for _, p := range t.byPath {
		if p.Dir == filepath.Join(t.root, filepath.FromSlash(dir)) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("there is no package in %s", dir)
}

// tests returns the packages whose tests should see a change of p, in the order in which they run: its own, those of the
// packages that import it, and those that test the whole, which take longest.
func (t *tree) tests(p *pkg) (found []*pkg) {
	if p.tested() {
		found = append(found, p)
	}
	var users, whole []*pkg
	for _, u := range t.byPath {
		switch {
		case u == p || !u.tested():
		case t.testsTheWhole(u):
			if u.imports(p) || slices.ContainsFunc(t.imported(u), func(q *pkg) bool { return slices.Contains(q.Imports, p.ImportPath) }) {
				whole = append(whole, u)
			}
		case u.imports(p):
			users = append(users, u)
		}
	}
	byPath := func(a, b *pkg) int { return strings.Compare(b.ImportPath, a.ImportPath) } // the root comes last
	slices.SortFunc(users, byPath)
	slices.SortFunc(whole, byPath)
	return slices.Concat(found, users, whole)
}

// testsTheWhole reports whether a package is nothing but tests of the packages that it imports: it sees what they are
// made of as their own tests would.
func (t *tree) testsTheWhole(p *pkg) bool {
	return strings.HasPrefix(p.Dir, filepath.Join(t.root, "internal", "test")+string(filepath.Separator))
}

// imports reports whether p, or its tests, import q.
func (p *pkg) imports(q *pkg) bool {
	return slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), q.ImportPath)
}

// imported returns the packages of the module that p and its tests import.
func (t *tree) imported(p *pkg) (all []*pkg) {
	for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		if q := t.byPath[path]; q != nil {
			all = append(all, q)
		}
	}
	return all
}

// sum is a hash of everything that the tests of p depend on: its folder and testdata, and the packages of this module that
// it needs.
func (t *tree) sum(p *pkg) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := sha256.New()
	for _, path := range append([]string{p.ImportPath}, t.needs[p.ImportPath]...) {
		s, err := t.folderSumLocked(t.byPath[path])
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, path, s)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (t *tree) folderSumLocked(p *pkg) (string, error) {
	if s, ok := t.sums[p.Dir]; ok {
		return s, nil
	}
	h := sha256.New()
	err := filepath.WalkDir(p.Dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != p.Dir && !strings.Contains(path[len(p.Dir):], "testdata"):
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		contents, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintln(h, path[len(p.Dir):], len(contents))
			_, err = h.Write(contents)
		}
		return err
	})
	s := hex.EncodeToString(h.Sum(nil))
	t.sums[p.Dir] = s
	return s, err
}
