// SPDX-License-Identifier: MIT

// Package report holds the results of a run, and formats them: as text, Markdown, JSON and a page.
package report

import (
	"cmp"
	"slices"
	"strings"
)

// A Case is a work at one setting: what its rows are compared by.
type Case struct {
	Work      string `json:"work"`
	Transport string `json:"transport"`
	Size      int    `json:"size,omitempty"`
	Param     int    `json:"param,omitempty"` // subscribers, connections, pipes, ...
	Place     string `json:"place"`           // 1cpu or free
}

// A Spread is what several rounds measured.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

// SpreadOf returns the spread of samples, at least one.
func SpreadOf(samples []float64) Spread {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	return Spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1], n}
}

// A Row is the result of one contender in one case.
type Row struct {
	Case
	Contender string            `json:"contender"`
	Metrics   map[string]Spread `json:"metrics,omitempty"`
	Reason    string            `json:"reason,omitempty"` // why there are no metrics
}

// A Report is a whole run.
type Report struct {
	Machine string            `json:"machine"`
	Command string            `json:"command"`
	Date    string            `json:"date"`
	Missing map[string]string `json:"missing"` // peers, and why they are
	Rows    []Row             `json:"rows"`
}

// A Metric is something that rows have.
type Metric struct {
	Key, Title string
	Less       bool // is better
}

// metrics are all of them in the order of columns. The first that a case has is what ratios are of.
var metrics = []Metric{
	{"rate", "msg/s", false},
	{"p50", "p50 µs", true},
	{"p99", "p99 µs", true},
	{"p999", "p99.9 µs", true},
	{"kib", "KiB each", true},
	{"bytes", "B each", true},
	{"accept", "accept s", true},
	{"goroutines", "goroutines", true},
	{"threads", "threads", true},
	{"mbps", "MB/s", false},
	{"cpu", "CPU s/M", true},
	{"allocs", "allocs/msg", true},
	{"lost", "lost", true},
}

// References are the contenders that others are put in proportion to.
var References = []string{"libzmq", "goraw"}

// cases returns the cases in the order in which they first occur.
func (r *Report) cases() []Case {
	var cases []Case
	for _, row := range r.Rows {
		if !slices.Contains(cases, row.Case) {
			cases = append(cases, row.Case)
		}
	}
	return cases
}

func (r *Report) rowsOf(c Case) []Row {
	var rows []Row
	for _, row := range r.Rows {
		if row.Case == c {
			rows = append(rows, row)
		}
	}
	return rows
}

// columns are the metrics that any of the rows has.
func columns(rows []Row) []Metric {
	var found []Metric
	for _, m := range metrics {
		if slices.ContainsFunc(rows, func(r Row) bool { _, has := r.Metrics[m.Key]; return has }) {
			found = append(found, m)
		}
	}
	return found
}

// ratio is a row's metric in proportion to that of the first mode of a reference.
func ratio(row Row, rows []Row, reference string, m Metric) (float64, bool) {
	i := slices.IndexFunc(rows, func(r Row) bool {
		peer, _, _ := strings.Cut(r.Contender, "/")
		return peer == reference
	})
	if i < 0 {
		return 0, false
	}
	own, has := row.Metrics[m.Key]
	other, hasToo := rows[i].Metrics[m.Key]
	if !has || !hasToo || other.Median == 0 {
		return 0, false
	}
	return own.Median / other.Median, true
}

// missing returns the names of peers that could not be had, in order.
func (r *Report) missing() []string {
	names := make([]string, 0, len(r.Missing))
	for name := range r.Missing {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names
}
