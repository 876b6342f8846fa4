// SPDX-License-Identifier: MIT

package tour

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, test := range []struct {
		samples []int64
		p       int
		want    float64
	}{{nil, 50, 0}, {[]int64{7}, 50, 7}, {[]int64{7}, 99, 7}, {hundred, 50, 50}, {hundred, 99, 99}, {[]int64{1, 2}, 99, 2}} {
		if got := percentile(test.samples, test.p); got != test.want {
			t.Errorf("percentile %d of %d samples = %v, want %v", test.p, len(test.samples), got, test.want)
		}
	}
}

func TestTheAccountMustBalance(t *testing.T) {
	for _, test := range []struct {
		expected, arrived, dropped int64
		complaint                  string
	}{
		{100, 100, 0, ""},
		{100, 60, 40, ""},
		{100, 60, 39, "1 of 100 messages are missing"},
		{100, 100, 1, "1 messages more"},
		{0, 0, 0, "nothing arrived"},
	} {
		account := tally{expected: test.expected, arrived: test.arrived, drops: map[string]int64{}}
		account.addDrops(map[string]int64{"overflow": test.dropped, "never": 0})
		_, err := account.result("push/pull", "tcp")
		if (err == nil) != (test.complaint == "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestJSONFields(t *testing.T) {
	account := tally{expected: 3, arrived: 3, fast: 2, fastNS: 1e9, latency: []int64{3000, 1000, 2000}, drops: map[string]int64{}}
	r, err := account.result("push/pull", "tcp")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(r)
	if want := `{"pattern":"push/pull","transport":"tcp","messages":3,"rate":2,"p50_us":2,"p99_us":3,"drops":{}}`; err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestTable(t *testing.T) {
	results := []Result{
		{Pattern: "push/pull", Transport: "tcp", Messages: 1234567, Rate: 9876543.2, P50: 12.34, P99: 1234.5, Drops: map[string]int64{}},
		{Pattern: "pub/sub", Transport: "inproc", Messages: 9, Rate: 1, P50: 123456, P99: 123.4, Drops: map[string]int64{"b": 2, "a": 1}},
	}
	var out bytes.Buffer
	if err := writeTable(&out, results, 0, false); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"pattern    transport   messages         rate       p50       p99  drops",
		"push/pull  tcp        1,234,567  9,876,543/s   12.3 µs    1.2 ms  none",
		"pub/sub    inproc             9          1/s  123.5 ms  123.4 µs  a 1, b 2",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := writeTable(&out, results, 40, true); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		plain := strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "", "\n", "").Replace(line)
		if n := len([]rune(plain)); n > 40 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

func TestStamps(t *testing.T) {
	body := make([]byte, 64)
	if _, ok := stampOf(body); ok {
		t.Error("zero is a time")
	}
	if _, ok := stampOf(body[:7]); ok {
		t.Error("seven bytes hold a time")
	}
	stamp(body, 42)
	if at, ok := stampOf(body); !ok || at != 42 {
		t.Errorf("%d, %v", at, ok)
	}
}

func TestClockRuns(t *testing.T) {
	before := now()
	for i := 0; now() == before; i++ {
		if i == 1e9 {
			t.Fatal("the clock stands still")
		}
	}
	if after := now(); after < before {
		t.Errorf("the clock ran from %d to %d", before, after)
	}
}

func TestPacerChargesStallsToTheSender(t *testing.T) {
	p := pacer{interval: time.Hour, due: 1} // long overdue: the sender was stalled
	if at := p.wait(); at != 1 || p.due != 1+int64(time.Hour) {
		t.Errorf("due at %d, next at %d", at, p.due)
	}
}
