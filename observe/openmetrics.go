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
	name  string // of the family
	kind  string
}

// family begins a family of metrics. kind is counter, gauge or info.
func (e *exposition) family(name, kind, unit, help string) {
	e.name, e.kind = name, kind
	if e.older { // its families have the names of their samples
		name += suffixes[kind]
		unit = ""
	}
	if e.older && kind == "info" {
		kind = "gauge"
	}
	e.text = append(e.text, "# TYPE "+name+" "+kind+"\n"...)
	if unit != "" {
		e.text = append(e.text, "# UNIT "+name+" "+unit+"\n"...)
	}
	e.text = append(e.text, "# HELP "+name+" "+escape(help)+"\n"...)
}

// suffixes are those of the samples of a kind.
var suffixes = map[string]string{"counter": "_total", "gauge": "", "info": "_info"}

// sample adds a sample of the family. labels are names and values in turn.
func (e *exposition) sample(value float64, labels ...string) {
	e.text = append(append(e.text, e.name...), suffixes[e.kind]...)
	for i := 0; i < len(labels); i += 2 {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		e.text = append(append(append(e.text, before), labels[i]...), "=\""...)
		e.text = append(append(e.text, escape(labels[i+1])...), '"')
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

// escape makes a value of a label of a text, which need not be UTF-8.
func escape(text string) string { return escapes.Replace(strings.ToValidUTF8(text, "\uFFFD")) }
