// SPDX-License-Identifier: MIT

package report

import (
	"slices"
	"testing"
)

func TestGatesAreWhatTargetsNeed(t *testing.T) {
	for _, want := range []struct {
		Case
		contender string
		isGate    bool
	}{
		{Case{"thr", "tcp", mib, 0, "1cpu"}, "goraw/tuned", true},
		{Case{"thr", "tcp", mib, 0, "1cpu"}, "goraw", true},
		{Case{"thr", "tcp", 256, 0, "1cpu"}, "goraw", false},
		{Case{"thr", "tcp", 64, 0, "free"}, "spry/4p", true},
		{Case{"thr", "tcp", 64, 0, "1cpu"}, "spry/4p", false},
		{Case{"pipes", "tcp", 64, 8, "free"}, "spry", true}, // others are compared with it
		{Case{"pipes", "tcp", 64, 64, "free"}, "spry", false},
		{Case{"scale-pipes", "tcp", 0, 1000, "free"}, "spry", true}, // the fit needs all sizes
		{Case{"scale-pipes", "tcp", 0, 1000, "free"}, "libzmq", false},
		{Case{"flood", "tcp", 64, 0, "free"}, "spry", false},
	} {
		if got := IsGate(want.Case, want.contender); got != want.isGate {
			t.Errorf("%s, %s: %v, want %v", want.Title(), want.contender, got, want.isGate)
		}
	}
	if at := (Case{"lat", "tcp", 64, 0, "free"}); !InOverview(at, "nats") || InOverview(at, "craw1") {
		t.Error("the overview has NATS, and not single writes of plain C")
	}
}

func TestNewerFiguresReplaceThoseOfTheirCase(t *testing.T) {
	at := func(size int) Case { return Case{Work: "thr", Transport: "tcp", Size: size, Place: "1cpu"} }
	older := &Report{
		Missing: map[string]string{"libnng": "no headers", "nats": "no server", "libzmq": "no headers"},
		Rows: []Row{
			{Case: at(16), Contender: "spry", Metrics: steady("rate", 1)},
			{Case: at(64), Contender: "spry", Metrics: steady("rate", 2)},
			{Case: at(64), Contender: "goraw", Metrics: steady("rate", 3)},
		},
	}
	r := &Report{
		Missing: map[string]string{"nats": "no port"},
		Rows: []Row{
			{Case: at(64), Contender: "spry", Metrics: steady("rate", 4)},
			{Case: at(64), Contender: "libzmq/tuned", Metrics: steady("rate", 5)},
		},
	}
	r.Merge(older)
	var got []float64
	for _, row := range r.Rows {
		got = append(got, row.Metrics["rate"].Median())
	}
	if want := []float64{1, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("rates %v, want %v", got, want)
	}
	if len(r.Missing) != 2 || r.Missing["nats"] != "no port" || r.Missing["libnng"] == "" {
		t.Errorf("missing %v", r.Missing)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	folder := t.TempDir()
	if r, err := Read(folder); err != nil || len(r.Rows) != 0 {
		t.Fatalf("an empty folder has %+v, %v", r, err)
	}
	r := example()
	r.Rows[0].Origin = Origin{Date: "2026-11-30", Program: "p", Secs: 0.5}
	if err := r.Write(folder); err != nil {
		t.Fatal(err)
	}
	again, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Rows) != len(r.Rows) || again.Rows[0].Origin != r.Rows[0].Origin || !slices.Equal(again.Rows[0].Metrics["rate"], r.Rows[0].Metrics["rate"]) {
		t.Errorf("written %+v, read %+v", r.Rows, again.Rows)
	}
}
