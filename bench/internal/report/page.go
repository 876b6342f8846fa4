// SPDX-License-Identifier: MIT

package report

import (
	_ "embed" // for the page's template
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// A chart is a case as bars.
type chart struct {
	Title, Metric string
	Height        int
	Bars          []bar
	Head          []string
	Lines         [][]string
}

// A part is a section for the page.
type part struct {
	Title string
	Head  []string
	Lines [][]string
	Items []string
}

type bar struct {
	Name, Value string
	Y, Width    int
	Low, High   int // of the spread
	Own         bool
}

const (
	barStep  = 22  // from one bar to the next
	barRoom  = 520 // of the longest
	barStart = 150 // behind the names
)

// HTML writes one page that needs nothing else.
func (r *Report) HTML(w io.Writer) error {
	var charts []chart
	for _, c := range r.cases() {
		charts = append(charts, r.chart(c))
	}
	var parts []part
	for _, s := range r.sections() {
		parts = append(parts, part{s.title, s.head, s.lines, s.items})
	}
	return page.Execute(w, struct {
		*Report
		Parts  []part
		Charts []chart
	}{r, parts, charts})
}

func (r *Report) chart(c Case) chart {
	rows := r.RowsOf(c)
	head, lines := table(rows)
	drawn := chart{Title: c.Title(), Head: head, Lines: lines}
	found := columns(rows)
	if len(found) == 0 {
		return drawn
	}
	m, most := found[0], 0.0
	for _, row := range rows {
		if v := row.Metrics[m.Key]; len(v) > 0 {
			most = max(most, v.Median(), v.spread().High)
		}
	}
	drawn.Metric = m.Title
	if m.Less {
		drawn.Metric += ", less is better"
	}
	for _, row := range rows {
		v, has := row.Metrics[m.Key]
		if !has || most == 0 {
			continue
		}
		at := func(x float64) int { return barStart + int(x/most*barRoom) }
		drawn.Bars = append(drawn.Bars, bar{
			Name: row.Contender, Value: number(v.Median()), Y: drawn.Height,
			Width: at(v.Median()) - barStart, Low: at(v.spread().Low), High: at(v.spread().High), Own: isOwn(row.Contender),
		})
		drawn.Height += barStep
	}
	return drawn
}

func isOwn(contender string) bool { return len(contender) >= 4 && contender[:4] == "spry" }
