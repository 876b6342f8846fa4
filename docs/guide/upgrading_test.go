// SPDX-License-Identifier: MIT

package guide_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamesOfToday looks for the names that upgrading.md says exist now in the lists of exported names.
func TestNamesOfToday(t *testing.T) {
	lists, err := filepath.Glob("../../api/*.txt")
	if err != nil || len(lists) == 0 {
		t.Fatalf("the lists of exported names: %v", err)
	}
	exported := map[string]bool{}
	for _, list := range lists {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(read(t, list), -1) {
			exported[word] = true
		}
	}
	_, table, _ := strings.Cut(read(t, "upgrading.md"), "| before | now |")
	checked := 0
	for row := range strings.Lines(table) {
		if strings.HasPrefix(row, "The behaviour") {
			break
		}
		columns := strings.Split(row, "|")
		if len(columns) != 4 {
			continue
		}
		for _, code := range regexp.MustCompile("`[^`]+`").FindAllString(columns[2], -1) {
			for _, name := range regexp.MustCompile(`\b(?:strings\.)?[A-Z]\w{2,}`).FindAllString(code, -1) {
				checked++
				if !strings.HasPrefix(name, "strings.") && !exported[name] {
					t.Errorf("%s: %s is not exported", code, name)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d names were found", checked)
	}
}
