// SPDX-License-Identifier: MIT

package guide_test

import (
	"crypto/x509"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

// TestQuotedMessages looks for the texts of the table "By message" in the sources. Texts of the system and of the standard
// library are made by their own errors.
func TestQuotedMessages(t *testing.T) {
	_, table, ok := strings.Cut(read(t, "troubleshooting.md"), "\n## By message\n")
	if !ok {
		t.Fatal("troubleshooting.md has no table of messages")
	}
	texts := append(literals(t, "../.."), foreignTexts(t)...)
	rows := regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(table, -1)
	for _, row := range rows {
		for quoted := range strings.SplitSeq(row[1], "`") {
			for fragment := range strings.SplitSeq(quoted, "...") {
				fragment = strings.TrimSpace(fragment)
				if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, fragment) }) {
					t.Errorf("no error has the text %q", fragment)
				}
			}
		}
	}
	if len(rows) < 40 {
		t.Errorf("only %d texts were found", len(rows))
	}
}

// foreignTexts are the texts of errors that are passed on.
func foreignTexts(t *testing.T) []string {
	_, noHost := (&net.Resolver{PreferGo: true}).LookupHost(t.Context(), "not..a.name") // which asks nobody
	if noHost == nil {
		t.Fatal("a name with an empty label has an address")
	}
	name := testcert.NewAuthority(t).Issue(t, "server", "service.example")
	certificate, err := x509.ParseCertificate(name.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		syscall.ECONNREFUSED.Error(), syscall.EADDRINUSE.Error(), syscall.EADDRNOTAVAIL.Error(), syscall.EACCES.Error(), syscall.EMFILE.Error(),
		noHost.Error(), x509.UnknownAuthorityError{}.Error(), certificate.VerifyHostname("other.example").Error(),
	}
}

// literals are the strings in the code of the modules of the library and the command. A verb of package fmt, and what is not
// known before the program runs, is a line break.
func literals(t *testing.T, root string) (texts []string) {
	t.Helper()
	verb := regexp.MustCompile(`%[-+# 0]*[0-9*]*(\.[0-9]*)?[a-zA-Z]`)
	var text func(e ast.Expr) (string, bool)
	text = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			return s, err == nil && e.Kind == token.STRING
		case *ast.BinaryExpr:
			left, known := text(e.X)
			right, alsoKnown := text(e.Y)
			return left + right, e.Op == token.ADD && (known || alsoKnown)
		}
		return "\n", false
	}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{"testdata", "bench", "interop", "tools", "docs", ".git"}, e.Name()):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if expr, is := n.(ast.Expr); is {
				if s, known := text(expr); known {
					texts = append(texts, verb.ReplaceAllString(s, "\n"))
					return false
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
