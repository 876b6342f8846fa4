// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// steady is a metric that is the same in nine rounds.
func steady(key string, v float64) map[string]Samples {
	return map[string]Samples{key: {v, v, v, v, v, v, v, v, v}}
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
		{Case: at(16), Contender: "spry", Metrics: steady("rate", 900)},
		{Case: at(16), Contender: "libzmq", Metrics: steady("rate", 100)},
		{Case: at(64), Contender: "spry", Metrics: steady("rate", 400)},
		{Case: at(64), Contender: "libzmq", Metrics: steady("rate", 100)},
		{Case: at(64), Contender: "nats", Reason: "-"},
	}}
	one := target{
		caseSet{title: "One way", work: "thr", transports: tcpAndIPC, sizes: tiny, params: noParam, place: "1cpu"},
		bound{"spry", "rate", libzmq, 3, 5},
	}
	j := judgedAs(t, r, one)
	if j.Measured != 4 || j.Must.Verdict != met || j.Goal.Verdict != missed || j.At != at(64).Title() || j.Cases != 2 || j.OfCases != 4 {
		t.Errorf("judged %+v", j)
	}
	one.than = []string{"libzmq", "spry"} // the best of them
	if j := judgedAs(t, r, one); j.Measured != 1 || j.Must.Verdict != missed {
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
	r := &Report{Rows: []Row{{Case: c, Contender: "spry", Metrics: steady("p50", 8)}}}
	one := target{
		caseSet{title: "Round trip", work: "lat", transports: tcp, sizes: requests, params: noParam, place: "1cpu"},
		bound{"spry", "p50", nil, 9, 7},
	}
	for _, want := range []struct {
		limit float64
		verdict
	}{{9, met}, {8, met}, {7, missed}} {
		one.floor = want.limit
		if j := judgedAs(t, r, one); j.Must.Verdict != want.verdict {
			t.Errorf("8 of at most %v: %v, want %v", want.limit, j.Must.Verdict, want.verdict)
		}
	}
}

func TestVerdictsAreWhatTheIntervalAllows(t *testing.T) {
	c := Case{Work: "lat", Transport: "tcp", Size: 64, Place: "1cpu"}
	one := target{
		caseSet{title: "Round trip", work: "lat", transports: tcp, sizes: requests, params: noParam, place: "1cpu"},
		bound{"spry", "p50", nil, 9, none},
	}
	for _, want := range []struct {
		samples Samples
		verdict
	}{
		{Samples{5, 6, 7, 7, 8, 8, 8, 9, 20}, met},
		{Samples{5, 6, 7, 7, 8, 8, 8, 10, 20}, undecided},
		{Samples{5, 10, 11, 12, 13, 14, 15, 16, 17}, missed},
		{Samples{5, 5, 5, 5, 5}, undecided}, // too few
	} {
		r := &Report{Rows: []Row{{Case: c, Contender: "spry", Metrics: map[string]Samples{"p50": want.samples}}}}
		if j := judgedAs(t, r, one); j.Must.Verdict != want.verdict {
			t.Errorf("%v of at most 9: %v, want %v", want.samples, j.Must.Verdict, want.verdict)
		}
	}
}

// A machine that is slow in some rounds is so for both: their ratio is steady.
func TestRatiosAreJudgedByRound(t *testing.T) {
	c := Case{Work: "thr", Transport: "tcp", Size: 64, Place: "1cpu"}
	r := &Report{Rows: []Row{
		{Case: c, Contender: "spry", Metrics: map[string]Samples{"rate": {20, 40, 20, 60, 20, 80, 20, 20, 90}}},
		{Case: c, Contender: "libzmq", Metrics: map[string]Samples{"rate": {10, 20, 10, 30, 10, 40, 10, 10, 45}}},
	}}
	one := target{
		caseSet{title: "One way", work: "thr", transports: tcp, sizes: tiny, params: noParam, place: "1cpu"},
		bound{"spry", "rate", libzmq, 1.9, 2.1},
	}
	if j := judgedAs(t, r, one); j.Measured != 2 || j.Must.Verdict != met || j.Goal.Verdict != missed {
		t.Errorf("judged %+v, must %v, goal %v", j, *j.Must, *j.Goal)
	}
}

func TestCasesWithoutATargetAreListed(t *testing.T) {
	c := Case{Work: "thr", Transport: "tcp", Size: 64, Place: "1cpu"}
	r := &Report{Rows: []Row{
		{Case: c, Contender: "spry", Metrics: steady("rate", 1)},
		{Case: c, Contender: "spry/own", Metrics: steady("rate", 1)},
		{Case: c, Contender: "nats", Metrics: steady("rate", 1)},
	}}
	if got, want := r.notJudged(targets), []string{c.Title() + ": spry/own"}; !slices.Equal(got, want) {
		t.Errorf("not judged: %q, want %q", got, want)
	}
}

func TestAnExponentIsJudged(t *testing.T) {
	r := &Report{}
	for _, pipes := range pipeCounts {
		c := Case{Work: "scale-pipes", Transport: "tcp", Param: pipes, Place: "1cpu"}
		r.Rows = append(r.Rows, Row{Case: c, Contender: "spry", Metrics: map[string]Samples{
			"open": steady("", 50)[""], "close": steady("", float64(pipes))[""],
		}})
	}
	one := target{
		caseSet{title: "One more", work: "scale-pipes", transports: tcp, sizes: noSize, params: pipeCounts, place: "1cpu", growth: true},
		bound{"spry", "open", nil, 0.1, none},
	}
	if j := judgedAs(t, r, one); j.Must.Verdict != met || j.Cases != 1 || j.OfCases != 1 {
		t.Errorf("a flat cost: %+v", j)
	}
	one.metric = "close"
	if j := judgedAs(t, r, one); j.Must.Verdict != missed || j.Measured < 0.99 {
		t.Errorf("a linear cost: %+v", j)
	}
}

func TestGrowthIsComparedWithTheSmallerCase(t *testing.T) {
	at := func(pipes int) Case {
		return Case{Work: "pipes", Transport: "tcp", Size: 64, Param: pipes, Place: "1cpu"}
	}
	r := &Report{Rows: []Row{
		{Case: at(8), Contender: "spry", Metrics: steady("rate", 100)},
		{Case: at(512), Contender: "spry", Metrics: steady("rate", 90)},
	}}
	one := target{
		caseSet{title: "512 pipes", work: "pipes", transports: tcp, sizes: []int{64}, params: []int{512}, place: "1cpu", thanParam: 8},
		bound{"spry", "rate", []string{"spry"}, 0.8, 0.95},
	}
	if j := judgedAs(t, r, one); j.Measured != 0.9 || j.Must.Verdict != met || j.Goal.Verdict != missed {
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

// Tables of documents find the line of a target by its name.
func TestTargetsHaveNamesOfTheirOwn(t *testing.T) {
	had := map[string]bool{}
	for _, one := range targets {
		if had[one.name()] {
			t.Errorf("there are two of %q", one.name())
		}
		had[one.name()] = true
	}
}

// A count of system calls is one, and is judged; so few rounds of a time are not.
func TestACountIsJudged(t *testing.T) {
	c := Case{Work: "thr", Transport: "ws", Size: 64, Place: "1cpu"}
	r := &Report{Rows: []Row{{Case: c, Contender: "spry", Metrics: map[string]Samples{CallsKey: {0.4}, "cpu": {0.4}}}}}
	one := target{
		caseSet{title: "WebSocket", work: "thr", transports: ws, sizes: []int{64}, params: noParam, place: "1cpu"},
		bound{"spry", CallsKey, nil, 0.5, 0.1},
	}
	if j := judgedAs(t, r, one); j.Must.Verdict != met || j.Goal.Verdict != missed {
		t.Errorf("a count: must %v, goal %v", j.Must.Verdict, j.Goal.Verdict)
	}
	one.metric = "cpu"
	if j := judgedAs(t, r, one); j.Must.Verdict != undecided || j.Goal.Verdict != undecided {
		t.Errorf("a time: must %v, goal %v", j.Must.Verdict, j.Goal.Verdict)
	}
}

// What is not measured here is in a test that there is.
func TestWhatIsNotMeasuredHereIsTested(t *testing.T) {
	for _, e := range byTests {
		if (e.why == "") == (e.test == "") {
			t.Errorf("%s: needs a test or a reason", e.what)
		}
		if e.test == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", "..", "..", e.file))
		if err != nil || !strings.Contains(string(text), "func "+e.test+"(t *testing.T)") {
			t.Errorf("%s: no %s in %s: %v", e.what, e.test, e.file, err)
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
		for _, want := range []string{"One way, 64 B, 1cpu: spry, msg/s x goraw", "TestCallsArmNoTimer"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not have %s:\n%s", name, want, &b)
			}
		}
	}
}
