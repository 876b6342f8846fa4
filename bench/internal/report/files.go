// SPDX-License-Identifier: MIT

package report

import (
	"encoding/json"
	"io"
)

// Formats are the files of a report by name.
func (r *Report) Formats() map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"bench.json": r.JSON,
		"bench.md":   r.Markdown,
		"bench.html": r.HTML,
	}
}

// JSON writes everything that was measured.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	judged, notMeasured := r.judge(targets)
	return e.Encode(struct {
		*Report
		Targets     []Judgement `json:"targets"`
		NotMeasured []string    `json:"targets_not_measured"`
		NotJudged   []string    `json:"cases_not_judged"`
	}{r, judged, notMeasured, r.notJudged(targets)})
}
