// SPDX-License-Identifier: MIT

package tour

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

var headings = []string{"pattern", "transport", "messages", "rate", "p50", "p99", "drops"}

// leftColumns are texts; the other columns are numbers, and end at the right.
var leftColumns = map[int]bool{0: true, 1: true, 6: true}

// writeTable writes the rows for people. width is that of the terminal, 0 for any; the last column is cut to
// fit. bold emphasises the headings.
func writeTable(w io.Writer, results []Result, width int, bold bool) error {
	rows := [][]string{headings}
	for _, r := range results {
		rows = append(rows, []string{
			r.Pattern, r.Transport, thousands(r.Messages), thousands(int64(r.Rate)) + "/s", latencyText(r.P50), latencyText(r.P99), r.dropText(),
		})
	}
	widths := make([]int, len(headings))
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
			if leftColumns[i] {
				line.WriteString(cell + padding)
			} else {
				line.WriteString(padding + cell)
			}
		}
		text := cut(strings.TrimRight(line.String(), " "), width)
		if n == 0 && bold {
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

// thousands groups the digits of a number.
func thousands(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// latencyText is a time in microseconds, with three digits.
func latencyText(us float64) string {
	switch {
	case us >= 100e3:
		return fmt.Sprintf("%.0f ms", us/1e3)
	case us >= 1e3:
		return fmt.Sprintf("%.1f ms", us/1e3)
	case us >= 100:
		return fmt.Sprintf("%.0f µs", us)
	}
	return fmt.Sprintf("%.1f µs", us)
}
