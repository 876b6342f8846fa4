// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// maxLines keeps a file at one concept.
const maxLines = 500

const licence = "// SPDX-License-Identifier: MIT\n"

// check returns the breaches of one file, and what it only warns of.
func check(name string, source []byte, rootModule bool) (breaches, warnings []string) {
	report := func(line int, format string, args ...any) {
		breaches = append(breaches, fmt.Sprintf("%s:%d: %s", name, line, fmt.Sprintf(format, args...)))
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}, nil
	}
	line := func(n ast.Node) int { return fset.Position(n.Pos()).Line }

	if !ast.IsGenerated(file) {
		if !bytes.HasPrefix(source, []byte(licence)) {
			report(1, "the first line must be %q", strings.TrimSpace(licence))
		}
		if lines := bytes.Count(source, []byte("\n")); lines >= maxLines {
			report(maxLines, "the file has %d lines; split it by concept below %d", lines, maxLines)
		}
	}
	if startsNone(name, rootModule) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				report(line(n), "go statement outside of internal/scope: use Scope.Go, so that Close joins it")
			case *ast.CallExpr:
				if isCall(n, "time", "AfterFunc") {
					report(line(n), "time.AfterFunc outside of internal/scope: use Scope.AfterFunc, so that Close stops it")
				}
			}
			return true
		})
	}
	if rootModule && !strings.HasSuffix(name, "_test.go") {
		for _, n := range unlistedLocks(file) {
			if !strings.HasPrefix(name, "internal/lock/") {
				report(line(n), "a lock that the list in internal/lock does not have: give it its place there, and use lock.Mutex")
			}
		}
		for _, n := range sharedWaits(file) {
			report(line(n), "a channel or timer of the package's own breaks testing/synctest: make it in a constructor")
		}
	}
	found := theWords.inNames(file)
	if !strings.HasSuffix(name, "_test.go") { // tests document nothing for users
		found = append(found, theWords.inTexts(file)...)
		for _, f := range longSentences(file) {
			warnings = append(warnings, fmt.Sprintf("%s:%d: warning: %s", name, fset.Position(f.at).Line, f.text))
		}
	}
	for _, f := range found {
		report(fset.Position(f.at).Line, "%s", f.text)
	}
	return breaches, warnings
}

// sharedWaits finds channels and timers that are made when the package is initialised.
func sharedWaits(file *ast.File) (found []ast.Node) {
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		ast.Inspect(vars, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if isMakeChan(call) {
				found = append(found, call)
			}
			for _, f := range []string{"NewTimer", "NewTicker", "After", "Tick", "AfterFunc"} {
				if isCall(call, "time", f) {
					found = append(found, call)
				}
			}
			return true
		})
	}
	return found
}

// unlistedLocks finds where locks of package sync are named.
func unlistedLocks(file *ast.File) (found []ast.Node) {
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && (isSelected(sel, "sync", "Mutex") || isSelected(sel, "sync", "RWMutex")) {
			found = append(found, sel)
		}
		return true
	})
	return found
}

func isCall(c *ast.CallExpr, pkg, name string) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	return ok && isSelected(sel, pkg, name)
}

func isSelected(sel *ast.SelectorExpr, pkg, name string) bool {
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
}

func isMakeChan(c *ast.CallExpr) bool {
	f, ok := c.Fun.(*ast.Ident)
	if !ok || f.Name != "make" || len(c.Args) == 0 {
		return false
	}
	_, ok = c.Args[0].(*ast.ChanType)
	return ok
}
