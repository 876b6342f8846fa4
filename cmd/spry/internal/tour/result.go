// SPDX-License-Identifier: MIT

package tour

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Result is one row of the tour. Its JSON is the output of spry tour --json.
type Result struct {
	Pattern   string           `json:"pattern"`
	Transport string           `json:"transport"`
	Messages  int64            `json:"messages"` // that arrived
	Rate      float64          `json:"rate"`     // messages per second at full speed
	P50       float64          `json:"p50_us"`   // latency at a steady pace, in microseconds
	P99       float64          `json:"p99_us"`
	Drops     map[string]int64 `json:"drops"` // by reason, at all ends together
}

// A tally is the counters of all ends of one leg of the tour.
type tally struct {
	expected int64 // copies that should arrive
	arrived  int64
	drops    map[string]int64
	fast     int64   // of those that arrived, how many at full speed
	fastNS   int64   // and in what time
	latency  []int64 // in nanoseconds
}

// addDrops adds the drops of one end.
func (t *tally) addDrops(drops map[string]int64) {
	for reason, n := range drops {
		if n != 0 {
			t.drops[reason] += n
		}
	}
}

// result makes the row, and an error if messages are missing that were not counted.
func (t *tally) result(pattern, transport string) (Result, error) {
	slices.Sort(t.latency)
	r := Result{
		Pattern: pattern, Transport: transport, Messages: t.arrived, Drops: t.drops,
		P50: percentile(t.latency, 50) / 1e3, P99: percentile(t.latency, 99) / 1e3,
	}
	if t.fastNS > 0 {
		r.Rate = float64(t.fast) / (float64(t.fastNS) / 1e9)
	}
	dropped := int64(0)
	for _, n := range t.drops {
		dropped += n
	}
	switch lost := t.expected - t.arrived - dropped; {
	case lost > 0:
		return r, fmt.Errorf("%d of %d messages are missing and were not counted as dropped", lost, t.expected)
	case lost < 0:
		return r, fmt.Errorf("%d messages more than the %d sent arrived or were counted as dropped", -lost, t.expected)
	case t.arrived == 0:
		return r, fmt.Errorf("nothing arrived")
	}
	return r, nil
}

// percentile is the smallest of the sorted samples that p percent of them do not exceed; 0 without samples.
func percentile(sorted []int64, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return float64(sorted[max(rank, 1)-1])
}

// dropText is the drops of a row as people read it.
func (r *Result) dropText() string {
	if len(r.Drops) == 0 {
		return "none"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(r.Drops)) {
		parts = append(parts, fmt.Sprintf("%s %d", reason, r.Drops[reason]))
	}
	return strings.Join(parts, ", ")
}
