// SPDX-License-Identifier: MIT

package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

//go:embed words.txt
var wordList string

// A word is one that names or texts avoid.
type word struct {
	text, instead string
	pattern       *regexp.Regexp // that finds it in a text
}

// wordRules are the words of a list, by where they are refused.
type wordRules struct {
	names map[string]string // a lower-case word to its replacement
	texts []word
}

// theWords are the words of words.txt.
var theWords = func() wordRules {
	rules, err := parseWords(wordList)
	if err != nil {
		panic(err)
	}
	return rules
}()

// parseWords reads a list of lines "where: word = replacement". Empty lines and those that begin with # are comments.
func parseWords(list string) (wordRules, error) {
	rules := wordRules{names: make(map[string]string)}
	for i, line := range strings.Split(list, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		where, rest, _ := strings.Cut(line, ": ")
		text, instead, ok := strings.Cut(rest, " = ")
		if !ok || !slices.Contains([]string{"name", "text", "both"}, where) {
			return rules, fmt.Errorf("words.txt:%d: %q is not of the form \"name|text|both: word = replacement\"", i+1, line)
		}
		if where != "text" {
			rules.names[text] = instead
		}
		if where != "name" {
			pattern := `(?i)\b` + strings.ReplaceAll(regexp.QuoteMeta(text), " ", `\s+`) + `\b`
			rules.texts = append(rules.texts, word{text: text, instead: instead, pattern: regexp.MustCompile(pattern)})
		}
	}
	return rules, nil
}

// A finding is a breach at a position.
type finding struct {
	at   token.Pos
	text string
}

// inNames finds words in the names that a file declares.
func (w wordRules) inNames(file *ast.File) (found []finding) {
	for _, id := range declaredNames(file) {
		for _, part := range splitName(id.Name) {
			if instead, ok := w.names[part]; ok {
				found = append(found, finding{id.Pos(), fmt.Sprintf("the name %s has the word %q; use: %s", id.Name, part, instead)})
			}
		}
	}
	return found
}

// declaredNames are the identifiers at the places where a file declares them: types, functions, parameters, fields,
// variables and constants. Uses of names that other packages declare are not among them.
func declaredNames(file *ast.File) (names []*ast.Ident) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.Field:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok {
						names = append(names, id)
					}
				}
			}
		}
		return true
	})
	return names
}

// splitName returns the words of an identifier in lower case: "aReaderOf" is "a", "reader" and "of".
func splitName(name string) []string {
	var words []string
	begin := 0
	rs := []rune(name)
	for i := 1; i <= len(rs); i++ {
		if i == len(rs) || rs[i] == '_' || unicode.IsUpper(rs[i]) && !unicode.IsUpper(rs[i-1]) {
			words = append(words, strings.ToLower(strings.Trim(string(rs[begin:i]), "_")))
			begin = i
		}
	}
	return words
}

// inTexts finds words in comments and in the texts of errors.
func (w wordRules) inTexts(file *ast.File) (found []finding) {
	for _, comment := range file.Comments {
		found = append(found, w.inText(comment.Pos(), "the comment", comment.Text())...)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 || !isCall(call, "errors", "New") && !isCall(call, "fmt", "Errorf") {
			return true
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				found = append(found, w.inText(lit.Pos(), "the error", text)...)
			}
		}
		return true
	})
	return found
}

func (w wordRules) inText(at token.Pos, where, text string) (found []finding) {
	for _, word := range w.texts {
		if got := word.pattern.FindString(text); got != "" {
			found = append(found, finding{at, fmt.Sprintf("%s says %q; use: %s", where, got, word.instead)})
		}
	}
	return found
}

// exportedDocs are the comments that document a package and its exported names: types, their exported fields and
// methods, functions, variables and constants.
func exportedDocs(file *ast.File) (docs []*ast.CommentGroup) {
	add := func(groups ...*ast.CommentGroup) {
		for _, g := range groups {
			if g != nil {
				docs = append(docs, g)
			}
		}
	}
	add(file.Doc)
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiverName(d.Recv))) {
				add(d.Doc)
			}
		case *ast.GenDecl:
			exported := false
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						exported = true
						add(s.Doc, s.Comment)
						add(memberDocs(s.Type)...)
					}
				case *ast.ValueSpec:
					if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
						exported = true
						add(s.Doc, s.Comment)
					}
				}
			}
			if exported {
				add(d.Doc)
			}
		}
	}
	return docs
}

// memberDocs are the comments of the exported fields of a struct and of the exported methods of an interface.
func memberDocs(t ast.Expr) (docs []*ast.CommentGroup) {
	var fields *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return nil
	}
	for _, f := range fields.List {
		if len(f.Names) == 0 || slices.ContainsFunc(f.Names, (*ast.Ident).IsExported) {
			docs = append(docs, f.Doc, f.Comment)
		}
	}
	return docs
}

// receiverName is the name of the type whose method has this receiver.
func receiverName(list *ast.FieldList) string {
	t := list.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// maxWords is how long a sentence of documentation should be at most.
const maxWords = 30

// sentenceEnd ends a sentence: a full stop, colon or semicolon before a space, and the end of a paragraph or a list item.
var sentenceEnd = regexp.MustCompile(`[.!?:](\s|$)|\n\s*\n|\n\s*- `)

// longSentences finds sentences of exported documentation that are too long. Indented lines are code.
func longSentences(file *ast.File) (found []finding) {
	for _, doc := range exportedDocs(file) {
		for _, sentence := range sentenceEnd.Split(prose(doc.Text()), -1) {
			if words := strings.Fields(sentence); len(words) > maxWords {
				found = append(found, finding{doc.Pos(), fmt.Sprintf("a sentence of %d words, more than %d: %s ...",
					len(words), maxWords, strings.Join(words[:6], " "))})
			}
		}
	}
	return found
}

// prose is a text without its code blocks, which are indented by a tab.
func prose(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "\t") {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}
