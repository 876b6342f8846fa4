// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/sprymq/spry"

// packages writes a page of each public package, and one that lists them.
func (s *staging) packages(ctx context.Context) (items []item) {
	c := exec.CommandContext(ctx, "go", "list", "-f", "{{if ne .Name \"main\"}}{{.ImportPath}}\t{{.Dir}}{{range .GoFiles}}\t{{.}}{{end}}{{end}}", "work")
	c.Dir, c.Stderr = s.root, os.Stderr
	c.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOWORK=") }), "GOFLAGS=-buildvcs=false")
	list, err := c.Output()
	if err != nil {
		s.fail(fmt.Errorf("go list: %w", err))
		return nil
	}
	var index strings.Builder
	index.WriteString("# Packages\n\n| package | what it is |\n|---|---|\n")
	for line := range strings.Lines(string(list)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if len(field) < 3 || private(field[0]) {
			continue
		}
		p, fset, err := load(field[0], field[1], field[2:])
		if err != nil {
			s.fail(err)
			continue
		}
		s.write("api/"+pageOf(field[0])+".md", apiPage(p, fset))
		name := strings.TrimPrefix(strings.TrimPrefix(field[0], module), "/")
		if name == "" {
			name = "spry"
		}
		items = append(items, item{Text: name, Link: "/api/" + pageOf(field[0])})
		fmt.Fprintf(&index, "| [%s](/api/%s) | %s |\n", name, pageOf(field[0]), strings.ReplaceAll(p.Synopsis(p.Doc), "|", `\|`))
	}
	s.write("api/index.md", index.String())
	return items
}

// private reports whether users cannot import a package, or have no use for it.
func private(importPath string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(importPath, module), "/") {
		switch part {
		case "internal", "examples", "interop", "bench", "docs", "cmd":
			return true
		}
	}
	return false
}

// pageOf is the name of a package's page: slashes are dashes, so that all are in one folder.
func pageOf(importPath string) string {
	return strings.ReplaceAll(strings.TrimPrefix(importPath, "github.com/sprymq/"), "/", "-")
}

func load(importPath, dir string, names []string) (*doc.Package, *token.FileSet, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, importPath)
	return p, fset, err
}

// apiPage is the documentation of a package in Markdown. The anchors are those of pkg.go.dev: Name and Type.Method.
func apiPage(p *doc.Package, fset *token.FileSet) string {
	w := &apiWriter{p: p, fset: fset, printer: p.Printer()}
	w.printer.HeadingLevel = 4
	w.printer.DocLinkURL = func(l *comment.DocLink) string {
		if l.ImportPath != "" && (!strings.HasPrefix(l.ImportPath, module) || private(l.ImportPath)) {
			return l.DefaultURL("https://pkg.go.dev")
		}
		to := "#" + strings.TrimPrefix(l.Recv+"."+l.Name, ".")
		if l.Name == "" {
			to = ""
		}
		if l.ImportPath == "" {
			return to
		}
		return "/api/" + pageOf(l.ImportPath) + to
	}
	fmt.Fprintf(&w.Buffer, "---\noutline: [2, 3]\n---\n\n# Package %s\n\n```go\nimport %q\n```\n\n", p.Name, p.ImportPath)
	w.text(p.Doc)
	w.values("Constants", p.Consts)
	w.values("Variables", p.Vars)
	if len(p.Funcs) > 0 {
		w.WriteString("## Functions\n\n")
		w.funcs("", p.Funcs)
	}
	if len(p.Types) > 0 {
		w.WriteString("## Types\n\n")
	}
	for _, t := range p.Types {
		fmt.Fprintf(&w.Buffer, "### type %s {#%s}\n\n", t.Name, t.Name)
		w.declaration(t.Decl)
		w.text(t.Doc)
		w.declared(t.Consts)
		w.declared(t.Vars)
		w.funcs("", t.Funcs)
		w.funcs(t.Name+".", t.Methods)
	}
	return w.String()
}

type apiWriter struct {
	bytes.Buffer
	p       *doc.Package
	fset    *token.FileSet
	printer *comment.Printer
}

func (w *apiWriter) text(text string) {
	w.Write(w.printer.Markdown(w.p.Parser().Parse(text)))
	w.WriteString("\n")
}

func (w *apiWriter) values(heading string, values []*doc.Value) {
	if len(values) > 0 {
		fmt.Fprintf(&w.Buffer, "## %s\n\n", heading)
		w.declared(values)
	}
}

func (w *apiWriter) declared(values []*doc.Value) {
	for _, v := range values {
		for _, name := range v.Names {
			if ast.IsExported(name) {
				fmt.Fprintf(&w.Buffer, "#### %s {#%s}\n\n", name, name)
			}
		}
		w.declaration(v.Decl)
		w.text(v.Doc)
	}
}

func (w *apiWriter) funcs(prefix string, funcs []*doc.Func) {
	for _, f := range funcs {
		fmt.Fprintf(&w.Buffer, "#### func %s%s {#%s%s}\n\n", prefix, f.Name, prefix, f.Name)
		w.declaration(f.Decl)
		w.text(f.Doc)
	}
}

func (w *apiWriter) declaration(decl ast.Decl) {
	w.WriteString("```go\n")
	config := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 4}
	if err := config.Fprint(&w.Buffer, w.fset, decl); err != nil {
		fmt.Fprintf(&w.Buffer, "// %v\n", err)
	}
	w.WriteString("\n```\n\n")
}
