// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A change is one small fault that could be made in one declaration.
type change struct {
	line  int    // of the list
	pkg   string // folder of the package
	decl  string // the declaration: Name, or Type.Method
	see   string // what a user would see
	same  string // why it has no visible effect; empty = tests must detect it
	test  named  // the test that sees it, if the list says which
	old   []string
	lines []string // which take the place of old
}

// A named is a test of the package in a folder.
type named struct{ dir, name string }

func (c *change) String() string {
	return fmt.Sprintf("%s %s: %s => %s", c.pkg, c.decl, oneLine(c.old), oneLine(c.lines))
}

// key is the text of the change, by which its results are remembered.
func (c *change) key() string {
	return strings.Join([]string{c.pkg, c.decl, strings.Join(c.old, "\n"), strings.Join(c.lines, "\n")}, "\x00")
}

func oneLine(lines []string) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, " \\ ")
}

// parseList reads a list of changes, which are separated by empty lines:
//
//	# a comment
//	internal/queue Inbox.takeTurnLocked
//	see: the 65th of 65 messages is not delivered until another arrives
//	- if s.messages > 0 {
//	+ if s.messages > 1 {
//
// Lines that begin with two spaces stay as they are and say where. Indentation does not count. A change that no
// test can see has, instead of see, a line "same:" with the reason. A line "test:", with a folder and the name of a test,
// says which test sees the change, so that it is the first to run.
func parseList(r io.Reader) (changes []*change, err error) {
	in := bufio.NewScanner(r)
	var c *change
	flush := func() error {
		defer func() { c = nil }()
		if c == nil {
			return nil
		}
		if err := c.check(); err != nil {
			return fmt.Errorf("line %d: %w", c.line, err)
		}
		changes = append(changes, c)
		return nil
	}
	for n := 1; in.Scan(); n++ {
		line := strings.TrimRight(in.Text(), " \t")
		switch {
		case line == "":
			if err := flush(); err != nil {
				return nil, err
			}
		case strings.HasPrefix(line, "#"):
		case c == nil:
			pkg, decl, ok := strings.Cut(line, " ")
			if !ok {
				return nil, fmt.Errorf("line %d: a change begins with a folder and a declaration", n)
			}
			c = &change{line: n, pkg: pkg, decl: decl}
		default:
			if err := c.add(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	if err := errors.Join(in.Err(), flush()); err != nil {
		return nil, err
	}
	return changes, nil
}

func (c *change) add(line string) error {
	text := strings.TrimSpace(line[min(2, len(line)):])
	switch {
	case strings.HasPrefix(line, "see: "):
		c.see = line[len("see: "):]
	case strings.HasPrefix(line, "same: "):
		c.same = line[len("same: "):]
	case strings.HasPrefix(line, "test: "):
		var ok bool
		if c.test.dir, c.test.name, ok = strings.Cut(line[len("test: "):], " "); !ok {
			return fmt.Errorf("%q names no folder and test", line)
		}
	case strings.HasPrefix(line, "- "):
		c.old = append(c.old, text)
	case strings.HasPrefix(line, "+ "):
		c.lines = append(c.lines, text)
	case strings.HasPrefix(line, "  "):
		c.old = append(c.old, text)
		c.lines = append(c.lines, text)
	default:
		return fmt.Errorf("%q is neither see, same, test, -, + nor context", line)
	}
	return nil
}

func (c *change) check() error {
	switch {
	case len(c.old) == 0:
		return errors.New("the change takes nothing away and has no context")
	case c.see == "" && c.same == "":
		return errors.New("a change says what a user would see, or why no user could")
	case c.same != "" && c.test.name != "":
		return errors.New("a change without a visible effect names a test that sees it")
	}
	return nil
}

// apply returns the file that the change concerns, one of files, and its new contents.
func (c *change) apply(files []string) (file string, changed []byte, err error) {
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			return "", nil, err
		}
		from, to, err := findDecl(f, source, c.decl)
		if err != nil {
			return "", nil, err
		}
		if to == 0 {
			continue
		}
		body, err := c.replace(string(source[from:to]))
		if err != nil {
			return "", nil, fmt.Errorf("%s in %s: %w", c.decl, filepath.Base(f), err)
		}
		return f, []byte(string(source[:from]) + body + string(source[to:])), nil
	}
	return "", nil, fmt.Errorf("%s is not declared in %s", c.decl, c.pkg)
}

// replace makes the change in the text of the declaration, where its old lines must stand exactly once.
func (c *change) replace(text string) (string, error) {
	lines := strings.Split(text, "\n")
	at := -1
	for i := 0; i+len(c.old) <= len(lines); i++ {
		if !sameLines(lines[i:i+len(c.old)], c.old) {
			continue
		}
		if at >= 0 {
			return "", fmt.Errorf("%q stands there more than once: add context", oneLine(c.old))
		}
		at = i
	}
	if at < 0 {
		return "", fmt.Errorf("%q does not stand there", oneLine(c.old))
	}
	changed := append([]string{}, lines[:at]...)
	changed = append(changed, c.lines...)
	changed = append(changed, lines[at+len(c.old):]...)
	return strings.Join(changed, "\n"), nil
}

func sameLines(have, want []string) bool {
	for i := range want {
		if code(have[i]) != code(want[i]) {
			return false
		}
	}
	return true
}

// code is a line without indentation and comment.
func code(line string) string {
	line, _, _ = strings.Cut(strings.TrimSpace(line)+" ", " // ")
	return strings.TrimSpace(line)
}

// findDecl returns where a declaration begins and ends, or zeros if the file does not have it.
func findDecl(name string, source []byte, decl string) (from, to int, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return 0, 0, err
	}
	for _, d := range file.Decls {
		if declares(d, decl) {
			return fset.Position(d.Pos()).Offset, fset.Position(d.End()).Offset, nil
		}
	}
	return 0, 0, nil
}

func declares(d ast.Decl, name string) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return funcName(d) == name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.Name == name {
					return true
				}
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					if n.Name == name {
						return true
					}
				}
			}
		}
	}
	return false
}

// funcName is Name, or Type.Name for methods, of generic types too.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.Ident:
			return u.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}
