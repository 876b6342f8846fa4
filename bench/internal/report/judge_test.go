// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// median is a metric that one round measured.
func median(key string, v float64) map[string]Spread {
	return map[string]Spread{key: {v, v, v, 1}}
}

func judgedAs(t *testing.T, r *Report, one target) Judgement {
	t.Helper()
	judged, notMeasured := r.judge([]target{one})
	if len(judged) != 1 || len(notMeasured) != 0 {
		t.Fatalf("%s: judged %+v, not measured %q", one.name(), judged, notMeasured)
	}
	return judged[0]
}

func TestTheWorstCaseDecides(t *testing.T) {
	at := func(size int) Case { return Case{Work: "thr", Transport: "tcp", Size: size, Place: "1cpu"} }
	r := &Report{Rows: []Row{
		{Case: at(16), Contender: "spry", Metrics: median("rate", 900)},
		{Case: at(16), Contender: "libzmq", Metrics: median("rate", 100)},
		{Case: at(64), Contender: "spry", Metrics: median("rate", 400)},
		{Case: at(64), Contender: "libzmq", Metrics: median("rate", 100)},
		{Case: at(64), Contender: "nats", Reason: "-"},
	}}
	one := target{
		caseSet{title: "One way", work: "thr", transports: tcpAndIPC, sizes: tiny, params: noParam, place: "1cpu"},
		bound{"spry", "rate", libzmq, 3, 5},
	}
	j := judgedAs(t, r, one)
	if j.Measured != 4 || j.Met != "floor" || j.At != at(64).Title() || j.Cases != 2 || j.OfCases != 4 {
		t.Errorf("judged %+v", j)
	}
	one.than = []string{"libzmq", "spry"} // the best of them
	if j := judgedAs(t, r, one); j.Measured != 1 || j.Met != "no" {
		t.Errorf("beside the best: %+v", j)
	}
	one.than, one.place = libzmq, "free"
	if judged, notMeasured := r.judge([]target{one}); len(judged) != 0 || len(notMeasured) != 1 {
		t.Errorf("at a place that was not measured: %+v, %q", judged, notMeasured)
	}
	one.place, one.than = "1cpu", nats
	if judged, notMeasured := r.judge([]target{one}); len(judged) != 0 || len(notMeasured) != 1 {
		t.Errorf("beside a peer without figures: %+v, %q", judged, notMeasured)
	}
}

func TestLessIsBetterOfSomeMetrics(t *testing.T) {
	c := Case{Work: "lat", Transport: "tcp", Size: 64, Place: "1cpu"}
	r := &Report{Rows: []Row{{Case: c, Contender: "spry", Metrics: median("p50", 8)}}}
	one := target{
		caseSet{title: "Round trip", work: "lat", transports: tcp, sizes: requests, params: noParam, place: "1cpu"},
		bound{"spry", "p50", nil, 9, 7},
	}
	for _, want := range []struct {
		floor, goal float64
		met         string
	}{{9, 7, "floor"}, {9, 8, "goal"}, {7, 6, "no"}, {9, none, "floor"}, {none, 7, "no"}, {none, 9, "goal"}} {
		one.floor, one.goal = want.floor, want.goal
		if j := judgedAs(t, r, one); j.Met != want.met {
			t.Errorf("8 of floor %v and goal %v: met %q, want %q", want.floor, want.goal, j.Met, want.met)
		}
	}
}

func TestGrowthIsComparedWithTheSmallerCase(t *testing.T) {
	at := func(pipes int) Case {
		return Case{Work: "pipes", Transport: "tcp", Size: 64, Param: pipes, Place: "1cpu"}
	}
	r := &Report{Rows: []Row{
		{Case: at(8), Contender: "spry", Metrics: median("rate", 100)},
		{Case: at(512), Contender: "spry", Metrics: median("rate", 90)},
	}}
	one := target{
		caseSet{"512 pipes", "pipes", tcp, []int{64}, []int{512}, "1cpu", 8},
		bound{"spry", "rate", []string{"spry"}, 0.8, 0.95},
	}
	if j := judgedAs(t, r, one); j.Measured != 0.9 || j.Met != "floor" {
		t.Errorf("judged %+v", j)
	}
}

// A target with a slip of the pen would be "not measured" for ever.
func TestTargetsAreAboutWhatThereIs(t *testing.T) {
	for _, one := range targets {
		if works[one.work] == "" {
			t.Errorf("%s: no work %q", one.title, one.work)
		}
		if !slices.ContainsFunc(metrics, func(m Metric) bool { return m.Key == one.metric }) {
			t.Errorf("%s: no metric %q", one.title, one.metric)
		}
		if len(one.transports)*len(one.sizes)*len(one.params) == 0 {
			t.Errorf("%s: no cases", one.title)
		}
		if one.floor == none && one.goal == none {
			t.Errorf("%s: neither floor nor goal", one.title)
		}
	}
}

func TestEveryFormatHasTargets(t *testing.T) {
	formats := example().Formats()
	formats["text"] = example().Text
	for name, show := range formats {
		var b bytes.Buffer
		if err := show(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"One way, 64 B, 1cpu: spry, msg/s x libzmq", "5,000 connections, 1cpu: spry, KiB each"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not name the target %s:\n%s", name, want, &b)
			}
		}
	}
}
