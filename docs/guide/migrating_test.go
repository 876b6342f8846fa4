// SPDX-License-Identifier: MIT

package guide_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMigrationNames looks for the names of the tables' last columns, which are Spry's, among the exported names.
func TestMigrationNames(t *testing.T) {
	exported := make(map[string]bool)
	word := regexp.MustCompile(`\b[A-Z]\w+`)
	lists, err := filepath.Glob("../../api/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		for _, name := range word.FindAllString(read(t, list), -1) {
			exported[name] = true
		}
	}
	pages, err := filepath.Glob("migrating-*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("there are %d pages of migration: %v", len(pages), err)
	}
	code := regexp.MustCompile("`[^`]*`")
	elsewhere := []string{"Tick", "Background", "WithTimeout", "Config", "Is"} // of the standard library
	for _, page := range pages {
		found := 0
		for line := range strings.Lines(read(t, page)) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
				continue
			}
			for _, quoted := range code.FindAllString(cells[len(cells)-1], -1) {
				for _, name := range word.FindAllString(quoted, -1) {
					found++
					if !exported[name] && !slices.Contains(elsewhere, name) {
						t.Errorf("%s: %s is no exported name: %s", page, name, strings.TrimSpace(line))
					}
				}
			}
		}
		if found < 20 {
			t.Errorf("%s has only %d names", page, found)
		}
	}
}
