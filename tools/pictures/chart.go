// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A chart has panels of bars. Its source has comments "# title: TEXT", "# desc: TEXT" and "# caption: TEXT", any number of the
// last, and a line for each bar, in these columns:
//
//	panel     the title of the panel
//	better    more or less: the bars are sorted, the best first
//	table     the heading of a table of docs/performance/tables.md
//	column    a column of that table
//	peer      the first word of a row
//	label     how the chart calls it
//	figure    what the table says, or "-"
//
// The figures and the first caption must stand in docs/performance/tables.md.
type chart struct {
	picture
	captions []string
	panels   []panel
}

type panel struct {
	title string
	less  bool
	bars  []bar
}

type bar struct {
	label, figure string
	value         float64
	ours          bool
}

const (
	panelWidth  = 395.0
	panelHeight = 214.0
	labelWidth  = 96.0
	barWidth    = 220.0
	barStep     = 20.0
)

func renderChart(root string, source []byte) ([]byte, error) {
	report, err := os.ReadFile(filepath.Join(root, "docs", "performance", "tables.md"))
	if err != nil {
		return nil, err
	}
	c := &chart{}
	c.comments(string(source))
	if c.title == "" || c.desc == "" || len(c.captions) == 0 {
		return nil, errors.New("no title, desc or caption")
	}
	if !strings.Contains(string(report), c.captions[0]) {
		return nil, fmt.Errorf("docs/performance/tables.md does not say %q: the figures are of another run", c.captions[0])
	}
	rows := csv.NewReader(bytes.NewReader(source))
	rows.Comment, rows.FieldsPerRecord = '#', 7
	lines, err := rows.ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, errors.Join(err, errors.New("no bars"))
	}
	tables := figures(string(report))
	for _, l := range lines[1:] {
		if err := c.add(l, tables); err != nil {
			return nil, err
		}
	}
	c.draw()
	return c.svg(), nil
}

func (c *chart) comments(source string) {
	for l := range strings.Lines(source) {
		name, text, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(l, "#")), ": ")
		switch {
		case !ok || l[0] != '#':
		case name == "title":
			c.title = text
		case name == "desc":
			c.desc = text
		case name == "caption":
			c.captions = append(c.captions, text)
		}
	}
}

// add takes one line of the source.
func (c *chart) add(l []string, tables map[[3]string]string) error {
	title, better, key, label, figure := l[0], l[1], [3]string{l[2], l[3], l[4]}, l[5], l[6]
	if measured, ok := tables[key]; !ok || measured != figure {
		return fmt.Errorf("%s, %s of %s: docs/performance/tables.md says %q and the chart %q", l[2], l[3], l[4], measured, figure)
	}
	value, err := number(figure)
	if err != nil {
		return err
	}
	if n := len(c.panels); n == 0 || c.panels[n-1].title != title {
		c.panels = append(c.panels, panel{title: title, less: better == "less"})
	}
	p := &c.panels[len(c.panels)-1]
	p.bars = append(p.bars, bar{label, figure, value, l[4] == "spry"})
	return nil
}

// number reads a figure as the tables have it: 8.271M, 36.74k or 20.8. One that is missing is NaN.
func number(figure string) (float64, error) {
	if figure == "-" {
		return math.NaN(), nil
	}
	digits, unit := strings.TrimRight(figure, "kM"), 1.0
	switch {
	case strings.HasSuffix(figure, "k"):
		unit = 1e3
	case strings.HasSuffix(figure, "M"):
		unit = 1e6
	}
	value, err := strconv.ParseFloat(digits, 64)
	return value * unit, err
}

// figures reads the tables of a report: heading, column and first word of a row, to the figure.
func figures(report string) map[[3]string]string {
	found := make(map[[3]string]string)
	var heading string
	var columns []string
	for l := range strings.Lines(report) {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "#"):
			heading, columns = strings.TrimLeft(l, "# "), nil
		case strings.HasPrefix(l, "|"):
			cells := strings.Split(strings.Trim(l, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			if columns == nil {
				columns = cells
			}
			for i := 1; i < min(len(cells), len(columns)); i++ {
				found[[3]string{heading, columns[i], cells[0]}] = cells[i]
			}
		}
	}
	return found
}

func (c *chart) draw() {
	rows := float64((len(c.panels) + 1) / 2)
	c.size = point{830, 16 + rows*panelHeight + 18*float64(len(c.captions))}
	for i, p := range c.panels {
		c.panel(p, point{20 + (panelWidth+10)*float64(i%2), 16 + panelHeight*float64(i/2)})
	}
	for i, text := range c.captions {
		c.write(20, 16+rows*panelHeight+18*float64(i)+4, "small", text)
	}
}

// panel draws the bars of a panel, the best first and those without a figure last.
func (c *chart) panel(p panel, at point) {
	better := "more is better"
	if p.less {
		better = "less is better"
	}
	c.write(at.x, at.y+16, "name", p.title)
	c.write(at.x+panelWidth-12, at.y+16, "small end", better)
	slices.SortStableFunc(p.bars, func(a, b bar) int {
		switch {
		case math.IsNaN(a.value) || math.IsNaN(b.value):
			return btoi(math.IsNaN(a.value)) - btoi(math.IsNaN(b.value))
		case p.less == (a.value < b.value):
			return -1
		}
		return 1
	})
	most := 0.0
	for _, b := range p.bars {
		if b.value > most {
			most = b.value
		}
	}
	for i, b := range p.bars {
		y := at.y + 28 + barStep*float64(i)
		class, texts := "bar", "small"
		if b.ours {
			class, texts = "ours", "strong"
		}
		c.write(at.x+labelWidth-8, y+12, texts+" end", b.label)
		if math.IsNaN(b.value) {
			c.write(at.x+labelWidth+6, y+12, "small", "not measured")
			continue
		}
		w := math.Max(1, round(b.value/most*barWidth))
		c.rectangle(rect{at.x + labelWidth, y, w, barStep - 4}, class, 2)
		c.write(at.x+labelWidth+w+6, y+12, texts, b.figure)
	}
	foot := at.y + 28 + barStep*float64(len(p.bars))
	c.printf(`<path class="rule" d="M%g %gV%g"/>`, at.x+labelWidth, at.y+25, foot)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
