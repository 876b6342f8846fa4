// SPDX-License-Identifier: MIT

package bench

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/dustin/go-humanize"

	"github.com/sprymq/spry/cmd/spry/internal/table"
	"github.com/sprymq/spry/internal/hist"
)

// A Form is how results are printed.
type Form int

const (
	Table Form = iota // of sizes, at the end: medians over the rounds
	CSV               // a line for each run, as soon as it ends
	JSON              // likewise
)

// A report prints results.
type report struct {
	out       io.Writer
	form      Form
	histogram bool
	width     int
	bold      bool
	results   []Result
}

// add takes the result of a run.
func (p *report) add(r Result) error {
	p.results = append(p.results, r)
	switch p.form {
	case JSON:
		return json.NewEncoder(p.out).Encode(r)
	case CSV:
		return p.line(&r)
	}
	return nil
}

var columns = []string{
	"work", "transport", "size", "mode", "callers", "subs", "round", "messages", "seconds", "rate", "mb_per_s", "lost",
	"p50_us", "p90_us", "p99_us", "p999_us", "max_us",
}

// line prints a result as CSV, the first one beneath the names of the columns.
func (p *report) line(r *Result) error {
	line := []string{
		r.Work, r.Transport, strconv.Itoa(r.Size), r.Mode, strconv.Itoa(r.Callers), strconv.Itoa(r.Subs), strconv.Itoa(r.Round),
		strconv.FormatInt(r.Messages, 10), float(r.Seconds), float(r.Rate), float(r.MBps), strconv.FormatInt(r.Lost, 10),
	}
	for _, us := range []float64{r.P50, r.P90, r.P99, r.P999, r.Max} {
		if r.latency == nil {
			line = append(line, "")
		} else {
			line = append(line, float(us))
		}
	}
	lines := [][]string{line}
	if len(p.results) == 1 {
		lines = [][]string{columns, line}
	}
	return csv.NewWriter(p.out).WriteAll(lines)
}

func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// end prints the final output, even if not all runs were made.
func (p *report) end() error {
	if p.form != Table || len(p.results) == 0 {
		return nil
	}
	if err := p.table(); err != nil {
		return err
	}
	if !p.histogram {
		return nil
	}
	for _, s := range p.sizes() {
		if _, err := fmt.Fprintf(p.out, "\n%s B, %s round trips\n", humanize.Comma(int64(s.size)), humanize.Comma(s.messages)); err != nil {
			return err
		}
		if err := s.latency.WriteText(p.out); err != nil {
			return err
		}
	}
	return nil
}

// A summary is the runs with one size.
type summary struct {
	size     int
	messages int64
	lost     int64
	rates    []float64 // sorted
	latency  hist.Histogram
}

// sizes sums up the results, in the order in which sizes were first run.
func (p *report) sizes() []*summary {
	var all []*summary
	for _, r := range p.results {
		i := slices.IndexFunc(all, func(s *summary) bool { return s.size == r.Size })
		if i < 0 {
			i, all = len(all), append(all, &summary{size: r.Size})
		}
		s := all[i]
		s.messages += r.Messages
		s.lost += r.Lost
		s.rates = append(s.rates, r.Rate)
		if r.latency != nil {
			s.latency.Merge(r.latency)
		}
	}
	for _, s := range all {
		slices.Sort(s.rates)
	}
	return all
}

// median is that of the rounds' rates.
func (s *summary) median() float64 {
	n := len(s.rates)
	return (s.rates[(n-1)/2] + s.rates[n/2]) / 2
}

func (p *report) table() error {
	asks := p.results[0].latency != nil
	rounds := slices.MaxFunc(p.results, func(a, b Result) int { return a.Round - b.Round }).Round
	t := table.Table{Headings: []string{"size", "messages", "rate", "MB/s"}, Width: p.width, Bold: p.bold}
	if rounds > 1 {
		t.Headings = append(t.Headings, "slowest", "fastest")
	}
	if asks {
		t.Headings = append(t.Headings, "p50", "p90", "p99", "p99.9", "max")
	} else {
		t.Headings = append(t.Headings, "lost")
	}
	for _, s := range p.sizes() {
		row := []string{
			humanize.Comma(int64(s.size)) + " B", humanize.Comma(s.messages), perSecond(s.median()), fmt.Sprintf("%.1f", s.median()*float64(s.size)/1e6),
		}
		if rounds > 1 {
			row = append(row, perSecond(s.rates[0]), perSecond(s.rates[len(s.rates)-1]))
		}
		if asks {
			var r Result
			r.percentiles(&s.latency)
			for _, us := range []float64{r.P50, r.P90, r.P99, r.P999, r.Max} {
				row = append(row, table.Micros(us))
			}
		} else {
			row = append(row, humanize.Comma(s.lost))
		}
		t.Rows = append(t.Rows, row)
	}
	return t.Write(p.out)
}

func perSecond(rate float64) string { return humanize.Comma(int64(rate)) + "/s" }
