// SPDX-License-Identifier: MIT

package hist_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/hist"
)

// Every percentile is the exact one, rounded up by less than 1/128 of it.
func TestPercentiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 99, 100, 1000, 20000} {
		var h, odd hist.Histogram
		samples := make([]time.Duration, n)
		for i := range samples {
			samples[i] = time.Duration(math.Exp(random.Float64() * 25)) // up to about a minute
			if i%2 == 0 {
				h.Add(samples[i])
			} else {
				odd.Add(samples[i])
			}
		}
		h.Merge(&odd)
		slices.Sort(samples)
		if h.Count() != int64(n) || h.Max() != samples[n-1] {
			t.Fatalf("%d samples: count %d, max %d", n, h.Count(), h.Max())
		}
		for _, perMille := range []int{1, 500, 900, 990, 999, 1000} {
			exact := samples[max((n*perMille+999)/1000, 1)-1]
			got := h.Percentile(float64(perMille) / 10)
			if got < exact || got-exact > exact/128 {
				t.Errorf("%d samples: percentile %d per mille is %d, want %d", n, perMille, got, exact)
			}
		}
		if got := h.AtMost(samples[n-1]); got != int64(n) {
			t.Errorf("%d samples: %d do not exceed the longest", n, got)
		}
	}
}

func TestExtremes(t *testing.T) {
	var h hist.Histogram
	if h.Percentile(50) != 0 || h.Count() != 0 || h.AtMost(time.Hour) != 0 {
		t.Errorf("an empty histogram: %+v", h)
	}
	for _, d := range []time.Duration{-1, 0, 127, 128, 255, 256, math.MaxInt64} {
		h.Add(d)
	}
	for d, want := range map[time.Duration]int64{-1: 0, 0: 2, 126: 2, 127: 3, 128: 4, 254: 4, 255: 5, 256: 6, 257: 6, 258: 6, math.MaxInt64: 7} {
		if got := h.AtMost(d); got != want {
			t.Errorf("%d do not exceed %d ns, want %d", got, d, want)
		}
	}
	for _, odd := range []float64{-1, math.NaN(), math.Inf(1), 1e300} {
		if d := h.Percentile(odd); d != 0 && d != math.MaxInt64 {
			t.Errorf("percentile %v is %d", odd, d)
		}
	}
	if h.Percentile(100) != math.MaxInt64 || h.Max() != math.MaxInt64 || h.Percentile(0) != 0 {
		t.Errorf("percentiles 0 and 100: %d, %d", h.Percentile(0), h.Percentile(100))
	}
}

func TestText(t *testing.T) {
	var h hist.Histogram
	for range 90 {
		h.Add(9 * time.Microsecond)
	}
	for range 9 {
		h.Add(14 * time.Microsecond)
	}
	h.Add(19 * time.Microsecond)
	var out bytes.Buffer
	if err := h.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := "<= 10µs       90.000 %  " + strings.Repeat("#", 50) + "\n" +
		"<= 12.5µs      0.000 %\n" +
		"<= 16µs        9.000 %  #####\n" +
		"<= 20µs        1.000 %  .\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	var empty, long hist.Histogram
	if err := empty.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	long.Add(math.MaxInt64)
	if err := long.WriteText(&out); err != nil {
		t.Fatal(err)
	}
}
