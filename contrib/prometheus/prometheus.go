// SPDX-License-Identifier: MIT

// Package prometheus collects the figures of the sockets of a process for Prometheus' client library, so that they appear beside the
// program's own metrics:
//
//	prometheus.MustRegister(spryprom.NewCollector(nil))
//
// The metrics are those of package observe: see [observe.Report.Families]. Programs without the client library need no more than that
// package, whose handler serves /metrics by itself.
package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sprymq/spry/observe"
)

// Options are the options of [NewCollector]. The zero value has the defaults.
type Options struct {
	// Pipes adds the figures of each pipe, of at most this number. 0 means none: a series for each connection is a burden for
	// Prometheus.
	Pipes int
}

// NewCollector returns a collector of the figures of all listed sockets of the process: see [github.com/sprymq/spry.Sockets]. They are
// taken when they are collected, so that a program pays for a scrape and for nothing else. o may be nil. A registry takes only one
// such collector.
func NewCollector(o *Options) prometheus.Collector {
	c := &collector{}
	if o != nil {
		c.options = *o
	}
	for _, f := range (&observe.Report{}).Families(c.options.Pipes) {
		c.described = append(c.described, describe(&f))
	}
	return c
}

type collector struct {
	options   Options
	described []*prometheus.Desc // of the families, in their order
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.described {
		to <- d
	}
}

// Collect implements [prometheus.Collector]. Any number of goroutines may call it.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	report := observe.Take()
	for i, f := range report.Families(c.options.Pipes) {
		kind := prometheus.GaugeValue
		if f.Kind == observe.Counter {
			kind = prometheus.CounterValue
		}
		for _, s := range f.Samples {
			m, err := metric(c.described[i], kind, &s)
			if err != nil {
				m = prometheus.NewInvalidMetric(c.described[i], err)
			}
			to <- m
		}
	}
}

func metric(d *prometheus.Desc, kind prometheus.ValueType, s *observe.Sample) (prometheus.Metric, error) {
	if s.Durations == nil {
		return prometheus.NewConstMetric(d, kind, s.Value, s.Values...)
	}
	buckets := make(map[float64]uint64, len(observe.Bounds))
	for _, bound := range observe.Bounds {
		buckets[bound] = s.AtMost(bound)
	}
	return prometheus.NewConstHistogram(d, uint64(s.Durations.Count()), s.Durations.Sum().Seconds(), buckets, s.Values...)
}

// describe names a family as the client library expects it: with the suffix of its samples.
func describe(f *observe.Family) *prometheus.Desc {
	suffix := map[observe.Kind]string{observe.Counter: "_total", observe.Info: "_info"}[f.Kind]
	return prometheus.NewDesc(f.Name+suffix, f.Help, f.Labels, nil)
}
