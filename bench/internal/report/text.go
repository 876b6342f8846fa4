// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"io"
	"math"
	"slices"
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
		"thr": "One way", "down": "One way from the listening end", "layers": "One way through a stream of bytes",
		"curve": "One way, encrypted", "lat": "Round trip", "inproc-thr": "One way within a process",
		"inproc-lat": "Round trip within a process", "fan": "Fan-out", "callers-mux": "Callers on one connection",
		"callers-conns": "Callers on a connection each", "http": "POSTs of HTTP/1.1 on a connection each", "idle": "Idle connections", "flood": "Round trip beside a flood",
		"pipes": "One way over many pipes", "subs": "One way past many subscriptions",
		"scale-topics": "A message nobody wants", "scale-lengths": "Topics of many lengths", "scale-nested": "Topics that all match",
		"scale-pipes":  "Opening and closing one more pipe",
		"scale-spread": "One to many, message by message",
	}
	params = map[string]string{
		"fan": "subscribers", "callers-mux": "callers", "callers-conns": "callers", "http": "callers", "idle": "connections",
		"pipes": "pipes", "subs": "subscriptions",
		"scale-topics": "subscribers", "scale-lengths": "lengths", "scale-nested": "topics", "scale-pipes": "pipes", "scale-spread": "pipes",
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
			line[len(line)-1] = number(v.Median())
		}
	}
	if row.Reason != "" {
		return append(line, row.Reason)
	}
	first := row.Metrics[found[0].Key].spread()
	line = append(line, fmt.Sprintf("%s..%s", number(first.Low), number(first.High)))
	for _, reference := range References {
		text := "-"
		if x, ok := ratio(row, rows, reference, found[0]); ok {
			text = ratioText(x)
		}
		line = append(line, text)
	}
	return line
}

// ratioText has the median of ratios and their spread.
func ratioText(x Samples) string {
	spread := x.spread()
	if spread.Low == spread.High {
		return fmt.Sprintf("%.2f", x.Median())
	}
	return fmt.Sprintf("%.2f (%.2f..%.2f)", x.Median(), spread.Low, spread.High)
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

// A section is a part of a report behind its tables: how targets were met, or a list.
type section struct {
	title string
	head  []string
	lines [][]string
	items []string
}

// The titles of parts that are not tables of cases.
const (
	runPart         = "Run"
	targetsPart     = "Targets"
	growthPart      = "Growth"
	notMeasuredPart = "Targets not measured"
	notJudgedPart   = "Cases not judged"
	notHerePart     = "What must be so, and is not measured here"
)

// sections are those that have something.
func (r *Report) sections() (all []section) {
	judged, _ := r.judge(targets)
	head, lines := judgedTable(judged)
	growthHead, growthLines := growthTable(r.growths())
	for _, s := range []section{
		{title: targetsPart, head: head, lines: lines},
		{title: growthPart, head: growthHead, lines: growthLines},
		{title: notMeasuredPart, items: r.leftOut()},
		{title: notJudgedPart, items: r.notJudged(targets)},
		{title: notHerePart, items: notHere()},
	} {
		if len(s.lines)+len(s.items) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// leftOut lists the targets that have no measured case, and counts those of works that the run does not have.
func (r *Report) leftOut() (items []string) {
	elsewhere := 0
	for _, t := range targets {
		_, without := r.judge([]target{t})
		switch {
		case len(without) == 0:
		case slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Work == t.work && row.Place == t.place }):
			items = append(items, t.name())
		default:
			elsewhere++
		}
	}
	if elsewhere > 0 {
		items = append(items, fmt.Sprintf("%d of works and places that this run does not have", elsewhere))
	}
	return items
}

// Text writes the tables for a terminal.
func (r *Report) Text(w io.Writer) error {
	for _, name := range r.missing() {
		fmt.Fprintf(w, "missing: %s: %s\n", name, r.Missing[name])
	}
	for _, c := range r.cases() {
		fmt.Fprintf(w, "\n%s\n", c.Title())
		head, lines := table(r.RowsOf(c))
		if err := aligned(w, head, lines); err != nil {
			return err
		}
	}
	for _, s := range r.sections() {
		fmt.Fprintf(w, "\n%s\n", s.title)
		for _, item := range s.items {
			fmt.Fprintf(w, "  %s\n", item)
		}
		if s.head == nil {
			continue
		}
		if err := aligned(w, s.head, s.lines); err != nil {
			return err
		}
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
	fmt.Fprintf(w, "%s%s\n\n%s; %s\n\n`%s`\n", partBegin, runPart, r.Date, r.Machine, r.Command)
	for _, name := range r.missing() {
		fmt.Fprintf(w, "\nMissing: %s: %s\n", name, r.Missing[name])
	}
	for _, s := range r.sections() {
		if s.head != nil {
			markdownTable(w, s.title, "", s.head, s.lines)
			continue
		}
		fmt.Fprintf(w, "\n%s%s\n\n- %s\n", partBegin, s.title, strings.Join(s.items, "\n- "))
	}
	for _, c := range r.cases() {
		rows := r.RowsOf(c)
		head, lines := table(rows)
		origin := fmt.Sprintf("%s; %s; %d rounds of %g s\n\n", rows[0].Date, r.Machine, Rounds(rows), rows[0].Secs)
		markdownTable(w, c.Title(), origin, head, lines)
	}
	return nil
}

func markdownTable(w io.Writer, title, date string, head []string, lines [][]string) {
	rule := strings.Repeat("|---", len(head)) + "|"
	fmt.Fprintf(w, "\n%s%s\n\n%s| %s |\n%s\n", partBegin, title, date, strings.Join(head, " | "), rule)
	for _, line := range lines {
		fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
	}
}
