// SPDX-License-Identifier: MIT

package bench

import (
	"time"

	"github.com/sprymq/spry/internal/hist"
)

// A Result is the measurement of one run. Its JSON is the output of --json, and its fields' names are those of --csv.
type Result struct {
	Work      string  `json:"work"`
	Transport string  `json:"transport"`
	Size      int     `json:"size"` // of a body, in bytes
	Mode      string  `json:"mode"`
	Callers   int     `json:"callers,omitempty"`
	Subs      int     `json:"subs,omitempty"`
	Round     int     `json:"round"`    // 1 is the first
	Messages  int64   `json:"messages"` // received, or round trips; those of all subscribers together
	Seconds   float64 `json:"seconds"`
	Rate      float64 `json:"rate"`             // messages per second
	MBps      float64 `json:"mb_per_s"`         // million bytes per second, one way
	Lost      int64   `json:"lost"`             // sent, and not received
	P50       float64 `json:"p50_us,omitempty"` // of round trips, in microseconds
	P90       float64 `json:"p90_us,omitempty"`
	P99       float64 `json:"p99_us,omitempty"`
	P999      float64 `json:"p999_us,omitempty"`
	Max       float64 `json:"max_us,omitempty"`

	latency *hist.Histogram // of round trips
}

// describe adds the description of the run, and derived figures.
func (r *Result) describe(w *Work, transport string, round int) {
	r.Work, r.Transport, r.Size, r.Mode, r.Round = w.Kind, transport, w.Size, w.Mode, round
	r.Callers, r.Subs = w.Callers, w.Subs
	if r.Seconds > 0 {
		r.Rate = float64(r.Messages) / r.Seconds
	}
	r.MBps = r.Rate * float64(r.Size) / 1e6
}

func flowResult(received, sent int64, seconds float64) Result {
	return Result{Messages: received, Seconds: seconds, Lost: sent - received}
}

// fanResult sums the subscribers' results, from the first to begin to the last to end.
func fanResult(got []counted, published int64) Result {
	first, last, messages := got[0].start, got[0].end, int64(0)
	for _, g := range got {
		messages += g.messages
		if g.start.Before(first) {
			first = g.start
		}
		if g.end.After(last) {
			last = g.end
		}
	}
	return flowResult(messages, published*int64(len(got)), last.Sub(first).Seconds())
}

func askResult(a *asked) Result {
	r := Result{Messages: a.latency.Count(), Seconds: a.took.Seconds(), latency: &a.latency}
	r.percentiles(&a.latency)
	return r
}

func (r *Result) percentiles(h *hist.Histogram) {
	r.P50, r.P90, r.P99, r.P999 = micros(h.Percentile(50)), micros(h.Percentile(90)), micros(h.Percentile(99)), micros(h.Percentile(99.9))
	r.Max = micros(h.Max())
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
