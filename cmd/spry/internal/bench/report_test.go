// SPDX-License-Identifier: MIT

package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/hist"
)

func TestTableOfRounds(t *testing.T) {
	var out bytes.Buffer
	p := report{out: &out}
	for i, rate := range []float64{3000, 1000, 2000, 6000} {
		if err := p.add(Result{Size: 64, Round: i + 1, Messages: 1000, Rate: rate, Lost: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	want := "size  messages     rate  MB/s  slowest  fastest  lost\n" +
		"64 B     4,000  2,500/s   0.2  1,000/s  6,000/s     6\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTableOfRoundTrips(t *testing.T) {
	var out bytes.Buffer
	var h hist.Histogram
	for i := range 100 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	r := askResult(&asked{latency: h, took: time.Second})
	r.describe(&Work{Kind: Lat, Size: 100, Mode: Plain}, "tcp", 1)
	p := report{out: &out}
	if err := p.add(r); err != nil {
		t.Fatal(err)
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	want := " size  messages   rate  MB/s      p50      p90      p99     p99.9       max\n" +
		"100 B       100  100/s   0.0  50.2 µs  90.1 µs  99.3 µs  100.0 µs  100.0 µs\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// Nothing is printed of runs that were not made.
func TestEmptyReport(t *testing.T) {
	var out bytes.Buffer
	p := report{out: &out, histogram: true}
	if err := p.end(); err != nil || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// The deliveries of a fan are counted from the first subscriber's begin to the last one's end.
func TestFanResult(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	r := fanResult([]counted{{messages: 3, start: at(2), end: at(5)}, {messages: 4, start: at(1), end: at(4)}}, 4)
	if r.Messages != 7 || r.Seconds != 4 || r.Lost != 1 {
		t.Errorf("%+v", r)
	}
}
