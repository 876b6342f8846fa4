// SPDX-License-Identifier: MIT

// Command houserules checks what no linter knows: the rules of CONTRIBUTING.md that can be seen in the
// syntax of a file. It prints each breach as file:line: text and fails if there is one.
//
//	houserules [folder]
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = filepath.Clean(os.Args[1])
	}
	breaches, files, err := checkTree(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "houserules:", err)
		os.Exit(2)
	}
	for _, b := range breaches {
		fmt.Println(b)
	}
	fmt.Printf("houserules: %d breaches in %d files\n", len(breaches), files)
	if len(breaches) > 0 {
		os.Exit(1)
	}
}

// checkTree checks every Go file below root.
func checkTree(root string) (breaches []string, files int, err error) {
	modules := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata"):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files++
		breaches = append(breaches, check(filepath.ToSlash(name), source, inRootModule(root, path, modules))...)
		return nil
	})
	if files == 0 && err == nil {
		err = errors.New("no Go files below " + root)
	}
	return breaches, files, err
}

// inRootModule reports whether no folder between path and root has a go.mod of its own. known remembers
// folders.
func inRootModule(root, path string, known map[string]bool) bool {
	dir := filepath.Dir(path)
	if dir == root || dir == "." {
		return true
	}
	if answer, ok := known[dir]; ok {
		return answer
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	known[dir] = err != nil && inRootModule(root, dir, known)
	return known[dir]
}

// mayStartGoroutines are the folders of the root module, besides tests, whose code may: the one that owns
// all goroutines, and the suite that third parties call from their tests.
var mayStartGoroutines = []string{"internal/scope", "transport/transporttest"}

// startsNone reports whether a file must leave starting goroutines and timers to package scope.
func startsNone(name string, rootModule bool) bool {
	dir := filepath.ToSlash(filepath.Dir(name))
	return rootModule && !strings.HasSuffix(name, "_test.go") && !slices.Contains(mayStartGoroutines, dir)
}
