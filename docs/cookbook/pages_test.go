// SPDX-License-Identifier: MIT

// Package cookbook_test has the programs of the cookbook, and runs them. A page shows the whole text of one.
package cookbook_test

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var writing = flag.Bool("update", false, "write the programs into their pages")

var (
	block   = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	source  = regexp.MustCompile(`\(([^()]*_test\.go)\)`)
	example = regexp.MustCompile(`(?m)^func Example_\w+\(\)`)
	tests   = regexp.MustCompile(`(?m)^func Test\w+\(`)
	helper  = regexp.MustCompile(`\bcheck\(`)
)

// TestPages compares each page with its program. With -update, it writes the program into the page.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	check(err)
	index := text(t, "README.md")
	var shown []string
	for _, page := range pages {
		if page == "README.md" {
			continue
		}
		t.Run(page, func(t *testing.T) {
			if !strings.Contains(index, "| ["+title(text(t, page))+"]("+page+") |") {
				t.Error("README.md has no row with its title")
			}
			for _, part := range []string{"\n## Watch for\n", "\n## See also\n"} {
				if !strings.Contains(text(t, page), part) {
					t.Errorf("it has no part %q", strings.TrimSpace(part))
				}
			}
			links := source.FindStringSubmatch(text(t, page))
			if links == nil {
				t.Fatal("it has no link to its program")
			}
			shown = append(shown, links[1])
			program := programOf(t, links[1])
			blocks := block.FindAllStringSubmatchIndex(text(t, page), -1)
			if len(blocks) != 1 {
				t.Fatalf("it has %d programs, want one", len(blocks))
			}
			at := blocks[0]
			if is := text(t, page); is[at[2]:at[3]] != program {
				if !*writing {
					t.Fatalf("its program is not that of %s: go test ./docs/cookbook -run TestPages -update", links[1])
				}
				check(os.WriteFile(page, []byte(is[:at[2]]+program+is[at[3]:]), 0o600))
			}
			if missing := undeclared(t, program); missing != nil {
				t.Errorf("its program is not whole: %v", missing)
			}
		})
	}
	if len(shown) < 20 {
		t.Errorf("there are %d pages, want 20", len(shown))
	}
	programs, err := filepath.Glob("*_test.go")
	check(err)
	for _, p := range programs {
		if p != "pages_test.go" && p != "check_test.go" && !slices.Contains(shown, p) {
			t.Errorf("no page shows %s", p)
		}
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func title(page string) string {
	line, _, _ := strings.Cut(page, "\n")
	return strings.TrimPrefix(line, "# ")
}

// programOf is what a page shows of a file that tests run: an example as a program, with its helper, and a test as it is.
func programOf(t *testing.T, file string) string {
	t.Helper()
	program := strings.TrimPrefix(text(t, file), "// SPDX-License-Identifier: MIT\n\n")
	examples := example.FindAllString(program, -1)
	switch {
	case len(examples) == 1 && strings.Contains(program, "// Output:"):
		program = "package main" + strings.TrimPrefix(program, regexp.MustCompile(`^package \w+`).FindString(program))
		program = strings.Replace(program, examples[0], "func main()", 1)
	case examples == nil && tests.MatchString(program):
	default:
		t.Fatalf("%s must have a test, or one example with its output: otherwise, go test does not run it", file)
	}
	if helper.MatchString(program) && !strings.Contains(program, "\nfunc check(") {
		_, declared, _ := strings.Cut(text(t, "check_test.go"), "package cookbook_test\n")
		program += declared
	}
	return program
}

// undeclared lists the names that a program uses without declaring them. go test checks the rest, within the package.
func undeclared(t *testing.T, program string) (names []string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "program.go", program, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	alone := regexp.MustCompile(`^undefined: (\w+)$`)
	config := types.Config{
		Importer: empty{},
		Error: func(err error) {
			e, _ := errors.AsType[types.Error](err)
			if m := alone.FindStringSubmatch(e.Msg); m != nil {
				names = append(names, m[1])
			}
		},
	}
	_, _ = config.Check("main", fset, []*ast.File{f}, nil) // config.Error has every error
	return names
}

// empty imports packages without their contents.
type empty struct{}

func (empty) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

func TestUndeclared(t *testing.T) {
	const program = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(len(missing()), present) }\n\nconst present = 1\n"
	if got := fmt.Sprint(undeclared(t, program)); got != "[missing]" {
		t.Errorf("got %s, want [missing]", got)
	}
}
