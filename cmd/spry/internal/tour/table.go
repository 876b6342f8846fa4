// SPDX-License-Identifier: MIT

package tour

import (
	"io"

	"github.com/dustin/go-humanize"

	"github.com/sprymq/spry/cmd/spry/internal/table"
)

// writeTable writes the rows for people. width is that of the terminal, 0 for any; the last column is cut to
// fit. bold emphasises the headings.
func writeTable(w io.Writer, results []Result, width int, bold bool) error {
	t := table.Table{
		Headings: []string{"pattern", "transport", "messages", "rate", "p50", "p99", "drops"},
		Left:     map[int]bool{0: true, 1: true, 6: true}, Width: width, Bold: bold,
	}
	for _, r := range results {
		t.Rows = append(t.Rows, []string{
			r.Pattern, r.Transport, humanize.Comma(r.Messages), humanize.Comma(int64(r.Rate)) + "/s", table.Micros(r.P50), table.Micros(r.P99),
			r.dropText(),
		})
	}
	return t.Write(w)
}
