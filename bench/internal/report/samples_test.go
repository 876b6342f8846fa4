// SPDX-License-Identifier: MIT

package report

import (
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	if got := (Samples{5, 1, 3}).Median(); got != 3 {
		t.Errorf("odd: %v", got)
	}
	if got := (Samples{4, 1, 2, 10}).Median(); got != 3 {
		t.Errorf("even: %v", got)
	}
}

// The ranks are those of tables of the sign test at 95 %.
func TestIntervalIsBetweenOrderStatistics(t *testing.T) {
	for n, want := range map[int]int{1: -1, 5: -1, 6: 0, 8: 0, 9: 1, 11: 1, 12: 2, 15: 3, 21: 5, 25: 7} {
		if got := dropped(n); got != want {
			t.Errorf("%d samples: %d are dropped at each end, want %d", n, got, want)
		}
	}
	samples := Samples{9, 1, 8, 2, 7, 3, 6, 4, 5}
	if got, has := samples.Interval(); !has || got != (Interval{2, 8}) {
		t.Errorf("1 to 9: %v, %v", got, has)
	}
	if _, has := samples[:5].Interval(); has {
		t.Error("five samples have an interval")
	}
}

func TestRatiosAreOfEachRound(t *testing.T) {
	if got := (Samples{10, 40, 9, 7}).over(Samples{5, 10, 0}); !slices.Equal(got, Samples{2, 4}) {
		t.Errorf("ratios %v", got)
	}
}
