// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"slices"
	"strings"
)

// A verdict says whether a limit is kept, as far as the spread of the rounds allows the statement. The worst is the least.
type verdict int

const (
	missed    verdict = iota // the whole interval is on the wrong side
	undecided                // the interval has the limit, or there are too few rounds for one
	met                      // the whole interval is on the right side
)

func (v verdict) String() string { return [...]string{"missed", "undecided", "met"}[v] }

// MarshalText implements encoding.TextMarshaler.
func (v verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// A Judgement is how a target was met: in the worst of its cases.
type Judgement struct {
	Target   string   `json:"target"`
	Measured float64  `json:"measured"` // in the worst case
	Interval Interval `json:"interval"`
	At       string   `json:"at"`
	Cases    int      `json:"cases"`
	OfCases  int      `json:"of_cases"` // that the target is about
	Must     *Limit   `json:"must,omitempty"`
	Goal     *Limit   `json:"goal,omitempty"`
}

// A Limit is what a target wants, and whether it is so in all cases.
type Limit struct {
	Limit   float64 `json:"limit"`
	Verdict verdict `json:"verdict"`
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
	j := Judgement{Target: t.name(), OfCases: t.cases(), Must: limit(t.floor), Goal: limit(t.goal)}
	for _, row := range r.Rows {
		if !t.isAbout(row) {
			continue
		}
		samples := r.measured(t, row)
		if len(samples) == 0 {
			continue
		}
		j.Cases++
		if median := samples.Median(); j.Cases == 1 || !t.asGood(median, j.Measured) {
			j.Measured, j.Interval, j.At = median, samples.spread(), row.Title()
		}
		for _, l := range []*Limit{j.Must, j.Goal} {
			if l != nil {
				l.Verdict = min(l.Verdict, t.verdict(samples, l.Limit))
			}
		}
	}
	return j, j.Cases > 0
}

func limit(v float64) *Limit {
	if v == none {
		return nil
	}
	return &Limit{v, met}
}

// verdict judges samples.
func (t target) verdict(samples Samples, limit float64) verdict {
	interval, has := samples.Interval()
	if t.metric == CallsKey {
		interval, has = samples.spread(), true // a count is no time: it does not change from round to round
	}
	switch low, high := t.asGood(interval.Low, limit), t.asGood(interval.High, limit); {
	case !has || low != high:
		return undecided
	case low:
		return met
	default:
		return missed
	}
}

// cases is how many cases a target is about. The fit of a growth is one of all parameters.
func (t target) cases() int {
	n := len(t.transports) * len(t.sizes)
	if !t.growth {
		n *= len(t.params)
	}
	return n
}

// name is the contender and its metric.
func (t target) name() string {
	what := t.who + ", " + metricOf(t.metric).Title
	switch {
	case t.growth:
		what += fmt.Sprintf(", exponent of its cost from %d to %d", slices.Min(t.params), slices.Max(t.params))
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
	if t.growth || metricOf(t.metric).Less {
		return value <= other
	}
	return value >= other
}

// isAbout says whether a target judges a row; the fit of a growth is that of its first parameter.
func (t target) isAbout(row Row) bool {
	return row.Contender == t.who && row.Work == t.work && row.Place == t.place && slices.Contains(t.transports, row.Transport) &&
		slices.Contains(t.sizes, row.Size) && (row.Param == t.params[0] || !t.growth && slices.Contains(t.params, row.Param))
}

// measured returns a row's metric, in proportion to the best of the rows that it is compared with.
func (r *Report) measured(t target, row Row) Samples {
	own := row.Metrics[t.metric]
	if t.growth {
		of := row.Case
		of.Param = 0
		g, _ := r.growthOf(of, t.who, metricOf(t.metric), t.params)
		return g.exponents
	}
	if len(own) == 0 || t.than == nil {
		return own
	}
	in := row.Case
	if t.thanParam > 0 {
		in.Param = t.thanParam
	}
	var best Samples
	for _, other := range r.RowsOf(in) {
		s := other.Metrics[t.metric]
		if len(s) == 0 || s.Median() == 0 || !slices.Contains(t.than, other.Contender) {
			continue
		}
		if best == nil || t.asGood(s.Median(), best.Median()) {
			best = s
		}
	}
	return own.over(best)
}

// notJudged lists the measured cases of Spry that no target is about.
func (r *Report) notJudged(all []target) (lines []string) {
	for _, c := range r.cases() {
		var without []string
		for _, row := range r.RowsOf(c) {
			if isOwn(row.Contender) && len(row.Metrics) > 0 && !slices.ContainsFunc(all, func(t target) bool { return t.isAbout(row) }) {
				without = append(without, row.Contender)
			}
		}
		if len(without) > 0 {
			lines = append(lines, c.Title()+": "+strings.Join(without, ", "))
		}
	}
	return lines
}

// judgedTable is how targets were met as cells: the head, and a line for each.
func judgedTable(judged []Judgement) (head []string, lines [][]string) {
	for _, j := range judged {
		line := []string{j.Target, fmt.Sprintf("%s (%s..%s)", number(j.Measured), number(j.Interval.Low), number(j.Interval.High))}
		for _, l := range []*Limit{j.Must, j.Goal} {
			if l == nil {
				line = append(line, "-", "-")
				continue
			}
			line = append(line, number(l.Limit), l.Verdict.String())
		}
		lines = append(lines, append(line, fmt.Sprintf("%d of %d", j.Cases, j.OfCases), j.At))
	}
	return []string{"target", "measured", "must", "is", "goal", "is", "cases", "worst"}, lines
}
