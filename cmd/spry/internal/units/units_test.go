// SPDX-License-Identifier: MIT

package units_test

import (
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// check runs a parser over inputs; a missing entry in want means that the input must be refused.
func check[T comparable](t *testing.T, parse func(string) (T, error), want map[string]T, refused ...string) {
	t.Helper()
	for in, value := range want {
		if got, err := parse(in); err != nil || got != value {
			t.Errorf("%q = %v, %v; want %v", in, got, err, value)
		}
	}
	for _, in := range refused {
		if got, err := parse(in); err == nil {
			t.Errorf("%q = %v; want an error", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	check(t, units.ParseSize, map[string]int64{
		"0": 0, "512": 512, "64KiB": 65536, "64k": 64000, "1.5MB": 1500000, "2 GiB": 2 << 30, "1TiB": 1 << 40,
		"7B": 7, "unlimited": -1,
	}, "", "x", "-1", "1.5", "5Q", "1e999", "NaN", "99999999999TiB", "KiB")
}

func TestParseCount(t *testing.T) {
	check(t, units.ParseCount, map[string]int64{"1": 1, "10k": 10000, "1M": 1000000, "1.5k": 1500},
		"", "-3", "0.5", "ten", "1x", "10MB")
}

func TestParseRate(t *testing.T) {
	check(t, units.ParseRate, map[string]float64{"5": 5, "10k/s": 10000, "90/m": 1.5, "36/h": 0.01, "0.5/s": 0.5},
		"", "0", "0/s", "5/fortnight", "/s", "-1/s")
}

func TestParseDuration(t *testing.T) {
	check(t, units.ParseDuration, map[string]time.Duration{
		"0": 0, "2": 2 * time.Second, "1.5": 1500 * time.Millisecond, "200ms": 200 * time.Millisecond, "1h30m": 90 * time.Minute,
	}, "", "-1", "-1s", "soon", "1e300", "NaN")
}

func TestFlagsKeepTheirValueOnError(t *testing.T) {
	size := units.Size(1 << 20)
	if err := size.Set("nonsense"); err == nil || size != 1<<20 {
		t.Errorf("size is %v after a bad Set, error %v", size, err)
	}
	if got := size.String(); got != "1MiB" {
		t.Errorf("size prints as %q", got)
	}
	sizes := units.Sizes{64}
	for _, bad := range []string{"", "1,", "1,x"} {
		if err := sizes.Set(bad); err == nil || sizes.String() != "64" {
			t.Errorf("sizes are %v after %q, error %v", sizes, bad, err)
		}
	}
	if err := sizes.Set("16,1KiB,1k"); err != nil || sizes.String() != "16,1KiB,1000" {
		t.Errorf("sizes are %v, error %v", sizes.String(), err)
	}
	var rate units.Rate
	if err := rate.Set("100/s"); err != nil || rate.Interval() != 10*time.Millisecond {
		t.Errorf("interval of %v is %v, error %v", rate, rate.Interval(), err)
	}
}
