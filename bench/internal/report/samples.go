// SPDX-License-Identifier: MIT

package report

import (
	"math"
	"slices"
)

// Samples are what the rounds measured of a metric, in the order of the rounds.
type Samples []float64

// LeastRounds is the least number of rounds that have an interval.
const LeastRounds = 6

// confidence is the least probability with which an interval has the median of all rounds that could be run.
const confidence = 0.95

// An Interval is between two samples, ends included.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Median returns the middle of one or more samples.
func (s Samples) Median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Interval returns the interval of the median, between order statistics. It assumes nothing about the distribution of samples. Fewer
// than [LeastRounds] have none.
func (s Samples) Interval() (Interval, bool) {
	k := dropped(len(s))
	if k < 0 {
		return Interval{}, false
	}
	sorted := slices.Sorted(slices.Values(s))
	return Interval{sorted[k], sorted[len(sorted)-1-k]}, true
}

// dropped returns how many samples at each end are outside the interval, or -1 without one. The median is outside of the k-th samples
// from the ends if fewer than k of n fair coins show the same side.
func dropped(n int) int {
	k, outside, term := -1, 0.0, math.Pow(0.5, float64(n))
	for i := range n / 2 {
		outside += 2 * term // both ends
		if outside > 1-confidence {
			break
		}
		k = i
		term *= float64(n-i) / float64(i+1)
	}
	return k
}

// over returns the ratios of two contenders, round by round, so that what disturbs a round disturbs no ratio. Rounds that either lacks
// are left out.
func (s Samples) over(other Samples) (ratios Samples) {
	for i := range min(len(s), len(other)) {
		if other[i] != 0 {
			ratios = append(ratios, s[i]/other[i])
		}
	}
	return ratios
}

// spread is the interval, or the least and the most of few samples.
func (s Samples) spread() Interval {
	if interval, has := s.Interval(); has {
		return interval
	}
	return Interval{slices.Min(s), slices.Max(s)}
}
