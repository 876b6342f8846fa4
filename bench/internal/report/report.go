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

// A Row is the result of one contender in one case.
type Row struct {
	Case
	Contender string             `json:"contender"`
	Metrics   map[string]Samples `json:"metrics,omitempty"`
	Reason    string             `json:"reason,omitempty"` // why there are no metrics
	Origin
}

// An Origin is what measured a row, and when.
type Origin struct {
	Date    string  `json:"date"`
	Program string  `json:"program"` // identifies this program, as it was built
	Secs    float64 `json:"secs"`    // that counted of each run
}

// A Report is a run, or what several have measured.
type Report struct {
	Machine string            `json:"machine"`
	Command string            `json:"command"`           // of the latest run
	Date    string            `json:"date"`              // of the latest run
	Partial bool              `json:"partial,omitempty"` // some settings of works are left out
	Missing map[string]string `json:"missing"`           // peers, and why they are
	Rows    []Row             `json:"rows"`
}

// A Metric is something that rows have.
type Metric struct {
	Key, Title string
	Less       bool // is better
}

// CallsKey is the metric of system calls. It is counted once, and not in each round.
const CallsKey = "calls"

// metrics are all of them in the order of columns. The first that a case has is what ratios are of.
var metrics = []Metric{
	{"rate", "msg/s", false},
	{"p50", "p50 µs", true},
	{"p99", "p99 µs", true},
	{"p999", "p99.9 µs", true},
	{"ns", "ns each", true},
	{"open", "µs to open", true},
	{"close", "µs to close", true},
	{"kib", "KiB each", true},
	{"bytes", "B each", true},
	{"accept", "accept s", true},
	{"goroutines", "goroutines", true},
	{"threads", "threads", true},
	{"mbps", "MB/s", false},
	{"cpu", "CPU s/M", true},
	{"caller", "caller CPU s/M", true}, // of the side that sends or asks
	{CallsKey, "system calls each", true},
	{"allocs", "allocs/msg", true},
	{"wakes", "wakes/M", true},         // of goroutines
	{"switches", "switches/M", true},   // of threads that wait
	{"preempted", "preempted/M", true}, // of threads that have to make room
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

// RowsOf returns the rows of a case.
func (r *Report) RowsOf(c Case) []Row {
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

// ratio is a row's metric in proportion to that of the first mode of a reference, round by round.
func ratio(row Row, rows []Row, reference string, m Metric) (Samples, bool) {
	i := slices.IndexFunc(rows, func(r Row) bool {
		peer, _, _ := strings.Cut(r.Contender, "/")
		return peer == reference
	})
	if i < 0 {
		return nil, false
	}
	ratios := row.Metrics[m.Key].over(rows[i].Metrics[m.Key])
	return ratios, len(ratios) > 0
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
