// SPDX-License-Identifier: MIT

package guide_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

// TestStatisticsAreDescribed compares the tables of statistics.md with the figures that there are.
func TestStatisticsAreDescribed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/stats/stats.go", nil, parser.ParseComments)
	testkit.Check(t, err)
	text, rows := read(t, "statistics.md"), 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range st.Fields.List {
			inJSON, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
			row := fmt.Sprintf("| `%s` | `%s` | %s |\n", f.Names[0].Name, inJSON, strings.TrimSpace(f.Comment.Text()))
			if !strings.Contains(text, row) {
				t.Errorf("statistics.md lacks the row of %s:\n%s", spec.Name.Name, row)
			}
			rows++
		}
		return true
	})
	t.Logf("%d figures", rows)

	declared := make(map[string]bool)
	for _, reason := range testkit.DeclaredReasons(t, "../..") {
		declared[string(reason)] = true
	}
	for _, cell := range regexp.MustCompile(`reasons? ((?:`+"`[a-z_]+`"+`(?:, | and )?)+)`).FindAllStringSubmatch(text, -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell[1], -1) {
			if !declared[name[1]] {
				t.Errorf("there is no reason %q", name[1])
			}
		}
	}
}
