// SPDX-License-Identifier: MIT

package observe

import (
	"slices"
	"strconv"
	"strings"
)

// An exposition is a text of OpenMetrics 1.0, or of the older format of Prometheus, as it is written.
type exposition struct {
	older bool
	text  []byte
}

// exposed is families as OpenMetrics, or in the older format of Prometheus.
func exposed(families []Family, older bool) []byte {
	e := exposition{older: older}
	for i := range families {
		f := &families[i]
		e.head(f)
		for _, s := range f.Samples {
			if f.Kind == Histogram {
				e.histogram(f, &s)
				continue
			}
			e.sample(f.Name+suffixes[f.Kind], f.Labels, s.Values, s.Value)
		}
	}
	return e.end()
}

// head begins a family.
func (e *exposition) head(f *Family) {
	name, kind, unit, help := f.Name, f.Kind, f.Unit, f.Help
	if e.older { // its families have the names of their samples
		name += suffixes[kind]
		unit = ""
	}
	if e.older && kind == Info {
		kind = Gauge
	}
	e.text = append(e.text, "# TYPE "+name+" "+string(kind)+"\n"...)
	if unit != "" {
		e.text = append(e.text, "# UNIT "+name+" "+unit+"\n"...)
	}
	e.text = append(e.text, "# HELP "+name+" "+escape(help)+"\n"...)
}

// suffixes are those of the samples of a kind.
var suffixes = map[Kind]string{Counter: "_total", Gauge: "", Info: "_info"}

// histogram adds the samples of a histogram: its buckets, count and sum.
func (e *exposition) histogram(f *Family, s *Sample) {
	labels, values := append(slices.Clone(f.Labels), "le"), append(slices.Clone(s.Values), "")
	for _, bound := range Bounds {
		values[len(values)-1] = strconv.FormatFloat(bound, 'g', -1, 64)
		e.sample(f.Name+"_bucket", labels, values, float64(s.AtMost(bound)))
	}
	values[len(values)-1] = "+Inf"
	e.sample(f.Name+"_bucket", labels, values, float64(s.Durations.Count()))
	e.sample(f.Name+"_count", f.Labels, s.Values, float64(s.Durations.Count()))
	e.sample(f.Name+"_sum", f.Labels, s.Values, s.Durations.Sum().Seconds())
}

func (e *exposition) sample(name string, labels, values []string, value float64) {
	e.text = append(e.text, name...)
	for i, label := range labels {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		e.text = append(append(append(e.text, before), label...), "=\""...)
		e.text = append(append(e.text, escape(values[i])...), '"')
	}
	if len(labels) > 0 {
		e.text = append(e.text, '}')
	}
	e.text = strconv.AppendFloat(append(e.text, ' '), value, 'f', -1, 64)
	e.text = append(e.text, '\n')
}

// end is the text, which nothing follows.
func (e *exposition) end() []byte {
	if e.older {
		return e.text
	}
	return append(e.text, "# EOF\n"...)
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// escape makes a text the value of a label.
func escape(text string) string { return escapes.Replace(text) }
