// SPDX-License-Identifier: MIT

package observe

import (
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
			e.sample(f, s)
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

func (e *exposition) sample(f *Family, s Sample) {
	e.text = append(append(e.text, f.Name...), suffixes[f.Kind]...)
	for i, label := range f.Labels {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		e.text = append(append(append(e.text, before), label...), "=\""...)
		e.text = append(append(e.text, escape(s.Values[i])...), '"')
	}
	if len(f.Labels) > 0 {
		e.text = append(e.text, '}')
	}
	e.text = strconv.AppendFloat(append(e.text, ' '), s.Value, 'f', -1, 64)
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
