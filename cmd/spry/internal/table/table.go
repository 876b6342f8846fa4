// SPDX-License-Identifier: MIT

// Package table prints rows of figures for people.
package table

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// A Table is rows beneath headings.
type Table struct {
	Headings []string
	Left     map[int]bool // columns of text; the others are numbers, and end at the right
	Rows     [][]string   // each as long as Headings

	Width int  // of the terminal, 0 for any; lines are cut to fit
	Bold  bool // emphasise the headings
}

// Write prints the table.
func (t *Table) Write(w io.Writer) error {
	rows := append([][]string{t.Headings}, t.Rows...)
	widths := make([]int, len(t.Headings))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if t.Left[i] {
				line.WriteString(cell + padding)
			} else {
				line.WriteString(padding + cell)
			}
		}
		text := cut(strings.TrimRight(line.String(), " "), t.Width)
		if n == 0 && t.Bold {
			text = "\x1b[1m" + text + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

// cut shortens a line to width characters; 0 is any.
func cut(line string, width int) string {
	runes := []rune(line)
	if width <= 1 || len(runes) <= width {
		return line
	}
	return string(runes[:width-1]) + "…"
}

// Micros is a time in microseconds, as in 22.7 ms.
func Micros(us float64) string {
	value, prefix := humanize.ComputeSI(us / 1e6)
	return fmt.Sprintf("%.1f %ss", value, prefix)
}
