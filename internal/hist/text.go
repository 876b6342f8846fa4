// SPDX-License-Identifier: MIT

package hist

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// steps divide each power of ten into ten rows of about the same ratio, at numbers that people can read.
var steps = []int64{100, 125, 160, 200, 250, 315, 400, 500, 630, 800}

// barWidth is the length of the longest bar.
const barWidth = 50

// A row is the durations above the row before, and up to its own edge.
type row struct {
	edge  time.Duration
	count int64
}

// rows begins with the first that has anything and ends with the last.
func (h *Histogram) rows() []row {
	var all []row
	below := int64(0)
	for decade := int64(1); below < h.Count(); decade *= 10 {
		for _, step := range steps {
			edge := time.Duration(decade * step)
			if decade > 1e16 {
				edge = math.MaxInt64 // beyond it nothing can be
			}
			count := h.AtMost(edge)
			if count > below || len(all) > 0 {
				all = append(all, row{edge, count - below})
			}
			if below = count; below == h.Count() {
				break
			}
		}
	}
	return all
}

// WriteText draws the histogram: a row for every tenth of a power of ten.
func (h *Histogram) WriteText(w io.Writer) error {
	rows, most := h.rows(), int64(0)
	for _, r := range rows {
		most = max(most, r.count)
	}
	for _, r := range rows {
		bar := strings.Repeat("#", int(r.count*barWidth/most))
		if bar == "" && r.count > 0 {
			bar = "." // very few are still not none
		}
		percent := 100 * float64(r.count) / float64(h.Count())
		text := fmt.Sprintf("<= %-8s %8.3f %%  %s", r.edge, percent, bar)
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	return nil
}
