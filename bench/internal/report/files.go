// SPDX-License-Identifier: MIT

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// samplesFile has everything that was measured, and is read again.
const samplesFile = "bench.json"

// Read returns the report in a folder, which has no rows if the folder has none.
func Read(folder string) (*Report, error) {
	r := &Report{Missing: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(folder, samplesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", samplesFile, folder, err)
	}
	return r, nil
}

// Write writes all formats to a folder.
func (r *Report) Write(folder string) error {
	for name, show := range r.Formats() {
		if err := writeFile(filepath.Join(folder, name), show); err != nil {
			return err
		}
	}
	return nil
}

// WriteSamples writes only what is read again.
func (r *Report) WriteSamples(folder string) error {
	return writeFile(filepath.Join(folder, samplesFile), r.JSON)
}

// writeFile replaces a file when all of its new text is written: a run may be stopped at any time.
func writeFile(path string, show func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if err := errors.Join(show(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Formats are the files of a report by name.
func (r *Report) Formats() map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		samplesFile:  r.JSON,
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
		NotHere     []string    `json:"not_measured_here"`
	}{r, judged, notMeasured, r.notJudged(targets), notHere()})
}
