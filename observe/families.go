// SPDX-License-Identifier: MIT

package observe

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/stats"
)

// A Kind is the kind of a Family, as OpenMetrics defines it.
type Kind string

// The kinds.
const (
	Counter Kind = "counter"
	Gauge   Kind = "gauge"
	Info    Kind = "info"

	Histogram Kind = "histogram" // of durations, in seconds
)

// A Family is one figure of all sockets, endpoints or pipes: a metric, from which other systems of metrics can be fed.
type Family struct {
	Name    string // without the suffix of the samples of OpenMetrics: "_total" of a counter, "_info" of an info
	Kind    Kind
	Unit    string // "bytes", "seconds" or empty
	Help    string
	Labels  []string // of all samples
	Samples []Sample
}

// A Sample is a figure of a Family.
type Sample struct {
	Values []string // of the labels, in their order; they are UTF-8
	Value  float64

	Durations *spry.Histogram // instead of Value, in a family of kind Histogram
}

// Bounds are the upper bounds of the buckets in which histograms are shown, in seconds. Each bucket has what does not exceed its bound.
var Bounds = []float64{1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60}

// AtMost is how many durations of a Sample do not exceed a bound in seconds.
func (s *Sample) AtMost(bound float64) uint64 {
	return uint64(s.Durations.AtMost(time.Duration(bound * float64(time.Second))))
}

// Families returns the report as metrics. They are always the same families with the same labels in the same order, some without samples.
// The counters of each pipe are among them if pipes is above 0: of at most this number of pipes. Endpoints of a socket with equal URLs
// are one.
func (r *Report) Families(pipes int) []Family {
	all := []Family{{
		Name: "spry_instance", Kind: Info, Help: "The process: its id is new for each run.",
		Labels: []string{"instance_id"}, Samples: []Sample{{Values: []string{r.Instance}, Value: 1}},
	}}
	var sockets []labelled[SocketReport]
	var endpoints []labelled[spry.EndpointStats]
	var counted []labelled[spry.PipeStats]
	left := 0
	for i := range r.Sockets {
		s := &r.Sockets[i]
		own := []string{strconv.FormatUint(s.ID, 10), s.Protocol, strings.ToValidUTF8(s.Name, "\uFFFD")}
		sockets = append(sockets, labelled[SocketReport]{s, own})
		for _, one := range merged(s.Endpoints) {
			endpoints = append(endpoints, labelled[spry.EndpointStats]{&one, append(slices.Clone(own), strings.ToValidUTF8(one.URL, "\uFFFD"), strconv.FormatBool(one.Listening))})
		}
		for j := range s.Pipes {
			if len(counted) >= pipes {
				left += len(s.Pipes) - j
				break
			}
			counted = append(counted, labelled[spry.PipeStats]{&s.Pipes[j], append(slices.Clone(own), strconv.FormatUint(uint64(s.Pipes[j].ID), 10))})
		}
	}
	ofSocket := []string{"socket", "protocol", "name"}
	all = append(all, families(ofSockets, sockets, ofSocket)...)
	all = append(all, families(ofEndpoints, endpoints, append(slices.Clone(ofSocket), "url", "listening"))...)
	if pipes > 0 {
		all = append(all, families(ofPipes, counted, append(slices.Clone(ofSocket), "pipe"))...)
		all = append(all, Family{
			Name: "spry_pipes_left_out", Kind: Gauge, Help: "Pipes without series of their own, because there are too many.",
			Samples: []Sample{{Value: float64(left)}},
		})
	}
	return all
}

// labelled is a socket, endpoint or pipe with the values of its labels.
type labelled[S any] struct {
	of     *S
	labels []string
}

// families are those of metrics, with a sample, or one for each reason, of each of all.
func families[S any](metrics []metric[S], all []labelled[S], labels []string) []Family {
	out := make([]Family, 0, len(metrics))
	for _, m := range metrics {
		f := Family{Name: m.name, Kind: m.kind, Unit: m.unit, Help: m.help, Labels: labels}
		if m.reasons != nil {
			f.Labels = append(slices.Clone(labels), "reason")
		}
		for _, one := range all {
			f.Samples = m.append(f.Samples, one)
		}
		out = append(out, f)
	}
	return out
}

// append adds the samples of a socket, endpoint or pipe.
func (m *metric[S]) append(samples []Sample, one labelled[S]) []Sample {
	switch {
	case m.value != nil:
		return append(samples, Sample{Values: one.labels, Value: m.value(one.of)})
	case m.durations != nil:
		return append(samples, Sample{Values: one.labels, Durations: m.durations(one.of)})
	case m.time != nil:
		if at := m.time(one.of); !at.IsZero() {
			samples = append(samples, Sample{Values: one.labels, Value: float64(at.Unix())})
		}
		return samples
	}
	counts := m.reasons(one.of)
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		samples = append(samples, Sample{Values: append(slices.Clone(one.labels), string(reason)), Value: float64(counts[reason])})
	}
	return samples
}

// merged are endpoints with the figures of those with equal URLs added, because series must differ.
func merged(all []spry.EndpointStats) []spry.EndpointStats {
	var sum []spry.EndpointStats
	for _, e := range all {
		i := slices.IndexFunc(sum, func(o spry.EndpointStats) bool { return o.URL == e.URL && o.Listening == e.Listening })
		if i < 0 {
			e.Rejected, e.Failed = maps.Clone(e.Rejected), maps.Clone(e.Failed)
			sum = append(sum, e)
			continue
		}
		sum[i].Pipes += e.Pipes
		sum[i].Established += e.Established
		sum[i].Attempts += e.Attempts
		sum[i].Redials += e.Redials
		stats.AddCounts(&sum[i].Failed, e.Failed)
		stats.AddCounts(&sum[i].Rejected, e.Rejected)
	}
	return sum
}
