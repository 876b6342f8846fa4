// SPDX-License-Identifier: MIT

package otel

import (
	"context"
	"strings"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sprymq/spry/observe"
)

// RegisterOptions are the options of [Register]. The zero value has the defaults.
type RegisterOptions struct {
	// MeterProvider reads the figures. Nil means the global one.
	MeterProvider metric.MeterProvider

	// Pipes adds the figures of each pipe, of at most this number. 0 means none.
	Pipes int
}

// Register reports the figures of all listed sockets of the process (see [github.com/sprymq/spry.Sockets]) as observable counters and
// gauges, until the Registration is unregistered. They are taken when a reader of the MeterProvider collects them, and counted nowhere
// else. o may be nil. Call it once for a MeterProvider.
//
// The metrics are those of package observe (see [observe.Report.Families]). The first underscore of a name is a dot here:
// spry.sent_messages. Where they are converted for Prometheus, they have the names that observe gives them.
func Register(o *RegisterOptions) (metric.Registration, error) {
	if o == nil {
		o = new(RegisterOptions)
	}
	provider, pipes := o.MeterProvider, o.Pipes
	if provider == nil {
		provider = api.GetMeterProvider()
	}
	meter := provider.Meter(scope)
	instruments := make(map[string]metric.Float64Observable)
	var all []metric.Observable
	for _, f := range (&observe.Report{}).Families(pipes) {
		one, err := instrument(meter, &f)
		if err != nil {
			return nil, err
		}
		if one != nil {
			instruments[f.Name], all = one, append(all, one)
		}
	}
	return meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		report := observe.Take()
		for _, f := range report.Families(pipes) {
			one := instruments[f.Name]
			if one == nil {
				continue
			}
			for _, s := range f.Samples {
				to.ObserveFloat64(one, s.Value, metric.WithAttributeSet(attributes(f.Labels, s.Values)))
			}
		}
		return nil
	}, all...)
}

// instrument returns the instrument of a family; nil if OpenTelemetry has none that is observable.
func instrument(m metric.Meter, f *observe.Family) (metric.Float64Observable, error) {
	name := strings.Replace(f.Name, "_", ".", 1)
	unit := map[string]string{"bytes": "By", "seconds": "s"}[f.Unit]
	switch f.Kind {
	case observe.Counter:
		return m.Float64ObservableCounter(name, metric.WithDescription(f.Help), metric.WithUnit(unit))
	case observe.Gauge:
		return m.Float64ObservableGauge(name, metric.WithDescription(f.Help), metric.WithUnit(unit))
	default: // what a resource says, and distributions
		return nil, nil
	}
}

func attributes(labels, values []string) attribute.Set {
	all := make([]attribute.KeyValue, len(labels))
	for i, l := range labels {
		all[i] = attribute.String(l, values[i])
	}
	return attribute.NewSet(all...)
}
