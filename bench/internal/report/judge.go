// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"slices"
	"strings"
)

// A Judgement is how a target was met: in the worst of its cases.
type Judgement struct {
	Target   string   `json:"target"`
	Measured float64  `json:"measured"`
	At       string   `json:"at"` // the worst case
	Cases    int      `json:"cases"`
	OfCases  int      `json:"of_cases"` // that the target is about
	Floor    *float64 `json:"floor,omitempty"`
	Goal     *float64 `json:"goal,omitempty"`
	Met      string   `json:"met"` // goal, floor or no
}

// judge returns how targets were met, and the names of those without a measured case.
func (r *Report) judge(all []target) (judged []Judgement, notMeasured []string) {
	for _, t := range all {
		j, measured := r.judgeOne(t)
		if measured {
			judged = append(judged, j)
		} else {
			notMeasured = append(notMeasured, t.name())
		}
	}
	return judged, notMeasured
}

func (r *Report) judgeOne(t target) (Judgement, bool) {
	j := Judgement{
		Target: t.name(), OfCases: len(t.transports) * len(t.sizes) * len(t.params),
		Floor: orNil(t.floor), Goal: orNil(t.goal),
	}
	for _, row := range r.Rows {
		if !t.isAbout(row) {
			continue
		}
		value, has := r.measured(t, row)
		if !has {
			continue
		}
		j.Cases++
		if j.Cases == 1 || !t.asGood(value, j.Measured) {
			j.Measured, j.At = value, row.Title()
		}
	}
	switch {
	case t.goal != none && t.asGood(j.Measured, t.goal):
		j.Met = "goal"
	case t.floor != none && t.asGood(j.Measured, t.floor):
		j.Met = "floor"
	default:
		j.Met = "no"
	}
	return j, j.Cases > 0
}

func orNil(limit float64) *float64 {
	if limit == none {
		return nil
	}
	return &limit
}

// name is the contender and its metric.
func (t target) name() string {
	what := t.who + ", " + metricOf(t.metric).Title
	switch {
	case t.thanParam > 0:
		what += fmt.Sprintf(" x that of %d", t.thanParam)
	case len(t.than) > 1 && len(t.than) == len(libraries):
		what += " x the best library's"
	case t.than != nil:
		what += " x " + strings.Join(t.than, " or ")
	}
	return t.title + ", " + t.place + ": " + what
}

func metricOf(key string) Metric {
	return metrics[slices.IndexFunc(metrics, func(m Metric) bool { return m.Key == key })]
}

// asGood says whether a value is as good as another, or better.
func (t target) asGood(value, other float64) bool {
	if metricOf(t.metric).Less {
		return value <= other
	}
	return value >= other
}

func (t target) isAbout(row Row) bool {
	return row.Contender == t.who && row.Work == t.work && row.Place == t.place &&
		slices.Contains(t.transports, row.Transport) && slices.Contains(t.sizes, row.Size) && slices.Contains(t.params, row.Param)
}

// measured returns a row's metric, in proportion to the best of the rows that it is compared with.
func (r *Report) measured(t target, row Row) (float64, bool) {
	own, has := row.Metrics[t.metric]
	if !has || t.than == nil {
		return own.Median, has
	}
	in := row.Case
	if t.thanParam > 0 {
		in.Param = t.thanParam
	}
	best, found := 0.0, false
	for _, other := range r.rowsOf(in) {
		v, has := other.Metrics[t.metric]
		if !has || v.Median == 0 || !slices.Contains(t.than, other.Contender) {
			continue
		}
		if !found || t.asGood(v.Median, best) {
			best, found = v.Median, true
		}
	}
	if !found {
		return 0, false
	}
	return own.Median / best, true
}

// judgedTable is how targets were met as cells: the head, and a line for each.
func judgedTable(judged []Judgement) (head []string, lines [][]string) {
	limit := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return number(*v)
	}
	for _, j := range judged {
		lines = append(lines, []string{
			j.Target, number(j.Measured), limit(j.Floor), limit(j.Goal), j.Met, fmt.Sprintf("%d of %d", j.Cases, j.OfCases), j.At,
		})
	}
	return []string{"target", "measured", "floor", "goal", "met", "cases", "worst"}, lines
}
