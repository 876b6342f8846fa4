// SPDX-License-Identifier: MIT

// Command houserules checks what no linter knows: the rules of CONTRIBUTING.md that can be seen in the
// syntax of a file, and that the links of documents lead somewhere. It prints each breach as file:line: text and fails if there
// is one. It warns of long sentences in the documentation of exported names; a warning is no failure. words.txt lists words that
// names and texts avoid.
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
	breaches, warnings, files, err := checkTree(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "houserules:", err)
		os.Exit(2)
	}
	broken, documents, err := checkDocuments(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "houserules:", err)
		os.Exit(2)
	}
	breaches = append(breaches, broken...)
	for _, line := range append(warnings, breaches...) {
		fmt.Println(line)
	}
	fmt.Printf("houserules: %d breaches and %d warnings in %d files and %d documents\n", len(breaches), len(warnings), files, documents)
	if len(breaches) > 0 {
		os.Exit(1)
	}
}

// checkTree checks every Go file below root.
func checkTree(root string) (breaches, warnings []string, files int, err error) {
	modules := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || e.Name() == "node_modules"):
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
		refused, doubtful := check(filepath.ToSlash(name), source, inRootModule(root, path, modules))
		breaches = append(breaches, refused...)
		warnings = append(warnings, doubtful...)
		return nil
	})
	if files == 0 && err == nil {
		err = errors.New("no Go files below " + root)
	}
	return breaches, warnings, files, err
}

// libraries are the folders of further modules that programs import, to which the rules of the root module apply.
var libraries = []string{"gateway", "dash", "contrib/otel", "contrib/prometheus"}

// inRootModule reports whether no folder between path and root has a go.mod of its own, other than libraries. known remembers
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
	known[dir] = (err != nil || isLibrary(root, dir)) && inRootModule(root, dir, known)
	return known[dir]
}

func isLibrary(root, dir string) bool {
	name, err := filepath.Rel(root, dir)
	return err == nil && slices.Contains(libraries, filepath.ToSlash(name))
}

// mayStartGoroutines are the folders of the root module, besides tests and examples, whose code may: the one that owns
// all goroutines, and the suite that third parties call from their tests.
var mayStartGoroutines = []string{"internal/scope", "transport/transporttest"}

// startsNone reports whether a file must leave starting goroutines and timers to package scope.
func startsNone(name string, rootModule bool) bool {
	dir := filepath.ToSlash(filepath.Dir(name))
	library := rootModule && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(dir, "examples/")
	return library && !slices.Contains(mayStartGoroutines, dir)
}
