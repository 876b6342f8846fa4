// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// Title describes a case.
func (c Case) Title() string {
	parts := []string{works[c.Work]}
	if c.Transport != "" {
		parts = append(parts, c.Transport)
	}
	if c.Size > 0 {
		parts = append(parts, bytesOf(c.Size))
	}
	if c.Param > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", c.Param, params[c.Work]))
	}
	return strings.Join(append(parts, c.Place), ", ")
}

// works are the titles of works, params what their parameter counts.
var (
	works = map[string]string{
		"thr": "One way", "curve": "One way, encrypted", "lat": "Round trip", "inproc-thr": "One way within a process",
		"inproc-lat": "Round trip within a process", "fan": "Fan-out", "callers-mux": "Callers on one connection",
		"callers-conns": "Callers on a connection each", "idle": "Idle connections", "flood": "Round trip beside a flood",
		"pipes": "One way over many pipes", "subs": "One way past many subscriptions",
	}
	params = map[string]string{
		"fan": "subscribers", "callers-mux": "callers", "callers-conns": "callers", "idle": "connections",
		"pipes": "pipes", "subs": "subscriptions",
	}
)

func bytesOf(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}

// table is a case as cells: the head, and a line for each row.
func table(rows []Row) (head []string, lines [][]string) {
	found := columns(rows)
	head = []string{"peer"}
	for _, m := range found {
		head = append(head, m.Title)
	}
	head = append(head, "spread")
	for _, reference := range References {
		head = append(head, "x "+reference)
	}
	for _, row := range rows {
		lines = append(lines, cells(row, rows, found))
	}
	return head, lines
}

func cells(row Row, rows []Row, found []Metric) []string {
	line := []string{row.Contender}
	for _, m := range found {
		line = append(line, "-")
		if v, has := row.Metrics[m.Key]; has {
			line[len(line)-1] = number(v.Median)
		}
	}
	if row.Reason != "" {
		return append(line, row.Reason)
	}
	first := row.Metrics[found[0].Key]
	line = append(line, fmt.Sprintf("%s..%s", number(first.Min), number(first.Max)))
	for _, reference := range References {
		text := "-"
		if x, ok := ratio(row, rows, reference, found[0]); ok {
			text = fmt.Sprintf("%.2f", x)
		}
		line = append(line, text)
	}
	return line
}

// number shows three figures.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case math.Abs(v) >= 1e4:
		return fmt.Sprintf("%.4gk", v/1e3)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

// Text writes the tables for a terminal.
func (r *Report) Text(w io.Writer) error {
	for _, name := range r.missing() {
		fmt.Fprintf(w, "missing: %s: %s\n", name, r.Missing[name])
	}
	for _, c := range r.cases() {
		fmt.Fprintf(w, "\n%s\n", c.Title())
		head, lines := table(r.rowsOf(c))
		if err := aligned(w, head, lines); err != nil {
			return err
		}
	}
	judged, notMeasured := r.judge(targets)
	if len(judged) > 0 {
		fmt.Fprint(w, "\nTargets\n")
		head, lines := judgedTable(judged)
		if err := aligned(w, head, lines); err != nil {
			return err
		}
	}
	if len(notMeasured) > 0 {
		fmt.Fprintf(w, "\nTargets not measured:\n  %s\n", strings.Join(notMeasured, "\n  "))
	}
	return nil
}

func aligned(w io.Writer, head []string, lines [][]string) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{head}, lines...) {
		fmt.Fprintln(columns, strings.Join(line, "\t"))
	}
	return columns.Flush()
}

// Markdown writes the tables for a document.
func (r *Report) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "%s; %s\n\n`%s`\n", r.Date, r.Machine, r.Command)
	for _, name := range r.missing() {
		fmt.Fprintf(w, "\nMissing: %s: %s\n", name, r.Missing[name])
	}
	judged, notMeasured := r.judge(targets)
	if len(judged) > 0 {
		head, lines := judgedTable(judged)
		markdownTable(w, "Targets", head, lines)
	}
	if len(notMeasured) > 0 {
		fmt.Fprintf(w, "\nTargets not measured:\n\n- %s\n", strings.Join(notMeasured, "\n- "))
	}
	for _, c := range r.cases() {
		head, lines := table(r.rowsOf(c))
		markdownTable(w, c.Title(), head, lines)
	}
	return nil
}

func markdownTable(w io.Writer, title string, head []string, lines [][]string) {
	rule := strings.Repeat("|---", len(head)) + "|"
	fmt.Fprintf(w, "\n### %s\n\n| %s |\n%s\n", title, strings.Join(head, " | "), rule)
	for _, line := range lines {
		fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
	}
}
