// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// chartFile is the source of the picture of some tables: comments, and lines of panel, better, table, column, peer, label, figure.
const chartFile = "images/src/chart.csv"

// Comments of the chart that name its figures, and when they were measured.
var (
	chartDesc    = regexp.MustCompile(`(?m)^# desc: .*$`)
	chartCaption = regexp.MustCompile(`(?m)^# caption: .*$`) // the first of several
	chartRounds  = regexp.MustCompile(`medians of \S+ rounds`)
	tableRounds  = regexp.MustCompile(`; (\d+) rounds of `)
)

// updateChart replaces the figures of the chart by those of the tables.
func updateChart(path, tables string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin := strings.Index(string(text), "\npanel,")
	if begin < 0 {
		return fmt.Errorf("%s has no line that begins with panel", path)
	}
	comments := string(text[:begin+1])
	lines, err := csv.NewReader(bytes.NewReader(text[begin+1:])).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, parts := split(tables)
	if len(lines) > 1 {
		comments = dated(comments, parts[lines[1][2]])
	}
	for _, l := range lines[1:] {
		l[6] = figureAt(parts[l[2]], l[3], l[4])
	}
	comments = chartDesc.ReplaceAllLiteralString(comments, "# desc: "+chartText(lines[1:]))
	var all bytes.Buffer
	all.WriteString(comments)
	if err := csv.NewWriter(&all).WriteAll(lines); err != nil {
		return err
	}
	return os.WriteFile(path, all.Bytes(), 0o644)
}

// dated puts the date, the machine and the rounds of a table into captions.
func dated(comments, table string) string {
	origin := originOf(table)
	if fields := strings.SplitN(origin, "; ", 3); len(fields) > 1 {
		at := chartCaption.FindStringIndex(comments)
		if at != nil {
			comments = comments[:at[0]] + "# caption: " + fields[0] + "; " + fields[1] + comments[at[1]:]
		}
	}
	if found := tableRounds.FindStringSubmatch(origin); found != nil {
		comments = chartRounds.ReplaceAllLiteralString(comments, "medians of "+found[1]+" rounds")
	}
	return comments
}

// figureAt is a peer's figure in a column of a table.
func figureAt(table, column, peer string) string {
	at := -1
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) < 3:
		case at < 0:
			at = slices.Index(cells, column)
		case cells[1] == peer && at < len(cells)-1:
			return cells[at]
		}
	}
	return "-"
}

// chartText says what the chart shows, for readers that cannot see it.
func chartText(lines [][]string) string {
	var all strings.Builder
	panel := ""
	for _, l := range lines {
		if l[6] == "-" {
			continue
		}
		between := ", "
		if l[0] != panel {
			between, panel = l[0]+": ", l[0]
			if all.Len() > 0 {
				between = ". " + between
			}
		}
		figure := strings.NewReplacer("M", " million", "k", " thousand").Replace(l[6])
		all.WriteString(between + l[5] + " " + figure)
	}
	return "Bar charts. " + all.String() + "."
}
