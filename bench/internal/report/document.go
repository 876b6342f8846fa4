// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The documents of a folder that a run changes, beside [chartFile]: all tables, and an overview of them for users.
const (
	tablesFile   = "performance/tables.md"
	overviewFile = "performance.md"
)

// What is generated in a document stands between these lines.
const (
	generatedBegin = "<!-- tables: begin -->\n"
	generatedEnd   = "<!-- tables: end -->\n"
)

// UpdateDocuments replaces the tables that this run has in a folder of documents, and leaves others as they are.
func (r *Report) UpdateDocuments(folder string) error {
	var measured bytes.Buffer
	if err := r.Markdown(&measured); err != nil {
		return err
	}
	var merged string
	if err := replaceGenerated(filepath.Join(folder, tablesFile), func(old string) string {
		merged = merge(old, measured.String(), r.Partial, r.hasGates())
		return merged
	}); err != nil {
		return err
	}
	if err := replaceGenerated(filepath.Join(folder, overviewFile), func(string) string { return overview(merged) }); err != nil {
		return err
	}
	return updateChart(filepath.Join(folder, chartFile), merged)
}

// replaceGenerated replaces the generated part of a document.
func replaceGenerated(path string, replaced func(old string) string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), generatedBegin)
	old, after, foundToo := strings.Cut(rest, generatedEnd)
	if !found || !foundToo {
		return fmt.Errorf("%s: the lines %q and %q mark where the tables go, and are not both there", path, generatedBegin, generatedEnd)
	}
	return os.WriteFile(path, []byte(before+generatedBegin+replaced(old)+generatedEnd+after), 0o644)
}

// A part of a document begins with its title.
const partBegin = "### "

// merge puts the parts of a new text into the old one, and leaves others, unless the new text has all settings of all works.
// Tables of targets and of growth keep the lines that the new ones do not have, and lists of what a run lacks stay, unless the new
// text has all gates.
func merge(old, measured string, partial, gates bool) string {
	titles, parts := split(old)
	if !partial {
		titles, parts = nil, map[string]string{}
	}
	newTitles, newParts := split(measured)
	if gates {
		titles = slices.DeleteFunc(titles, func(title string) bool {
			_, again := newParts[title]
			return !again && slices.Contains(firstParts, title)
		})
	}
	for _, title := range newTitles {
		part, had := parts[title]
		if !had {
			titles = append(titles, title)
		}
		switch {
		case !had:
			parts[title] = newParts[title]
		case lists[title] && !gates:
		case keys[title] > 0 && !gates && headOf(part) == headOf(newParts[title]):
			parts[title] = mergeLines(part, newParts[title], keys[title])
		default:
			parts[title] = newParts[title]
		}
	}
	slices.SortStableFunc(titles, func(a, b string) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	var all strings.Builder
	for i, title := range titles {
		if i > 0 {
			all.WriteByte('\n')
		}
		all.WriteString(partBegin + title + "\n" + parts[title])
	}
	return all.String()
}

// keys are how many cells of a line say what it is about, in tables that have the lines of many cases; lists are parts without lines.
var (
	keys  = map[string]int{targetsPart: 1, growthPart: 2}
	lists = map[string]bool{notMeasuredPart: true, notJudgedPart: true}
)

// firstParts are those that stand before the tables of cases.
var firstParts = []string{runPart, targetsPart, growthPart, notMeasuredPart, notJudgedPart, notHerePart}

// placeOf orders parts: tables of cases keep their order.
func placeOf(title string) int {
	if i := slices.Index(firstParts, title); i >= 0 {
		return i
	}
	return len(firstParts)
}

// split returns the parts of a text by their titles, and the titles in their order.
func split(text string) (titles []string, parts map[string]string) {
	parts = map[string]string{}
	for _, part := range strings.Split("\n"+text, "\n"+partBegin)[1:] {
		title, body, _ := strings.Cut(part, "\n")
		titles = append(titles, title)
		parts[title] = strings.TrimRight(body, "\n") + "\n"
	}
	return titles, parts
}

// headOf is the first line of a table.
func headOf(part string) string {
	for line := range strings.Lines(part) {
		if strings.HasPrefix(line, "|") {
			return line
		}
	}
	return ""
}

// mergeLines replaces the lines of a table that have the same first cells, and appends the others.
func mergeLines(old, measured string, key int) string {
	of := func(line string) string {
		return strings.Join(strings.SplitN(line, "|", key+2)[:min(key+1, strings.Count(line, "|"))], "|")
	}
	renewed := map[string]string{}
	var order []string
	for line := range strings.Lines(measured) {
		if strings.HasPrefix(line, "| ") {
			renewed[of(line)] = line
			order = append(order, of(line))
		}
	}
	var all strings.Builder
	for line := range strings.Lines(old) {
		if again, has := renewed[of(line)]; has && strings.HasPrefix(line, "| ") {
			line = again
			delete(renewed, of(line))
		}
		all.WriteString(line)
	}
	for _, k := range order {
		all.WriteString(renewed[k])
	}
	return all.String()
}
