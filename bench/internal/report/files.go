// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
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
	}{r, judged, notMeasured})
}

// The tables of a document stand between these lines.
const (
	tablesBegin = "<!-- tables: begin -->\n"
	tablesEnd   = "<!-- tables: end -->\n"
)

// UpdateDocument replaces the tables of a document.
func (r *Report) UpdateDocument(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(tablesBegin))
	_, after, foundToo := bytes.Cut(rest, []byte(tablesEnd))
	if !found || !foundToo {
		return fmt.Errorf("%s: the lines %q and %q mark where the tables go, and are not both there", path, tablesBegin, tablesEnd)
	}
	var all bytes.Buffer
	all.Write(before)
	all.WriteString(tablesBegin)
	if err := r.Markdown(&all); err != nil {
		return err
	}
	all.WriteString(tablesEnd)
	all.Write(after)
	return os.WriteFile(path, all.Bytes(), 0o644)
}
