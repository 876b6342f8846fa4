// SPDX-License-Identifier: MIT

package guide_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

const rootReadme = "../../README.md"

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestReadmeExamplesCompile checks the examples of the README beside the module. They are short: what they declare
// last may stay unused there, which is no error here.
func TestReadmeExamplesCompile(t *testing.T) {
	fset := token.NewFileSet()
	config := types.Config{
		Importer: testkit.Importer(t, fset, slices.Collect(maps.Values(packages))...), Sizes: types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); !ok || !e.Soft { // soft: declared and not used
				t.Error(err)
			}
		},
	}
	text := read(t, rootReadme)
	found := goBlock.FindAllStringSubmatchIndex(text, -1)
	if len(found) == 0 {
		t.Error("no example was found")
	}
	for _, at := range found {
		s := snippet{file: "README.md", line: 1 + strings.Count(text[:at[2]], "\n"), code: text[at[2]:at[3]]}
		f, err := parser.ParseFile(fset, "generated", s.source(), parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		_, _ = config.Check("p", fset, []*ast.File{f}, nil) // config.Error is told everything
	}
}
