// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/bench/internal/report"
	"github.com/sprymq/spry/bench/internal/run"
)

// The workers that the runner starts are this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Every role of Go's workers once, tiny: nothing is timed here.
func TestWorkersDoAllWorks(t *testing.T) {
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	args := []string{
		"-work", "thr,lat,inproc-thr,inproc-lat,callers-mux,callers-conns,fan,flood", "-peers", "spry,goraw",
		"-sizes", "64", "-rounds", "1", "-secs", "0.01", "-trips", "40", "-place", "free", "-out", dir,
	}
	if err := run.Main(t.Context(), args, cSources, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range r.Rows {
		if row.Contender == "goraw" && row.Work == "callers-mux" {
			continue // plain connections know no requests
		}
		if row.Reason != "" || len(row.Metrics) == 0 {
			t.Errorf("%s, %s: %q", row.Contender, row.Title(), row.Reason)
		}
	}
}
