// SPDX-License-Identifier: MIT

// Package settings reads files of settings in TOML, strictly: whatever it does not know is an error that says where it is.
package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A Table is a table of a file, with its settings in the order of the file. The one before the first heading has no name.
type Table struct {
	Name     string
	Line     int
	Repeated bool // its heading is [[name]]
	Settings []Setting
}

// A Setting is a key and its value.
type Setting struct {
	Key  string
	Line int
	Value
}

// A Value is a text, a number, true or false, or a list of texts.
type Value struct {
	Kind Kind
	Text string // as it is written, but for the escapes of a text
	List []string
}

// A Kind is that of a value.
type Kind int

// The kinds of values.
const (
	Text Kind = iota
	Number
	Bool
	List
	Other // which no setting has
)

// An Error is about a line.
type Error struct {
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %v", e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

func errorf(line int, format string, args ...any) error {
	return &Error{line, fmt.Errorf(format, args...)}
}

// Parse reads a file. It returns all tables that it can, and all errors, which are of type [*Error]: a breach of the syntax is the last.
func Parse(data []byte) ([]Table, []error) {
	r := reader{data: slices.Clip(data)}
	r.parser.Reset(r.data)
	r.tables = []Table{{Line: 1}}
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			r.setting(e)
		case unstable.Table, unstable.ArrayTable:
			names, line := r.name(e.Key())
			r.tables = append(r.tables, Table{Name: strings.Join(names, "."), Line: line, Repeated: e.Kind == unstable.ArrayTable})
		default: // a comment
		}
	}
	if err := r.parser.Error(); err != nil {
		r.errs = append(r.errs, r.syntax(err))
	}
	return r.tables, r.errs
}

type reader struct {
	parser unstable.Parser
	data   []byte
	tables []Table
	errs   []error
}

// name is a key of one or more words, and its line.
func (r *reader) name(key unstable.Iterator) (names []string, line int) {
	for key.Next() {
		if line == 0 {
			line = r.parser.Shape(key.Node().Raw).Start.Line
		}
		names = append(names, string(key.Node().Data))
	}
	return names, line
}

func (r *reader) setting(e *unstable.Node) {
	names, line := r.name(e.Key())
	table := &r.tables[len(r.tables)-1]
	switch known := slices.IndexFunc(table.Settings, func(s Setting) bool { return s.Key == names[0] }); {
	case len(names) > 1:
		r.errs = append(r.errs, errorf(line, "%q: no key has a dot; write [%s] on a line of its own for a table", strings.Join(names, "."), names[0]))
	case known >= 0:
		r.errs = append(r.errs, errorf(line, "%q is already on line %d; leave one of them out", names[0], table.Settings[known].Line))
	default:
		table.Settings = append(table.Settings, Setting{names[0], line, valueOf(e.Value())})
	}
}

func valueOf(n *unstable.Node) Value {
	switch n.Kind {
	case unstable.String:
		return Value{Kind: Text, Text: string(n.Data)}
	case unstable.Integer, unstable.Float:
		return Value{Kind: Number, Text: strings.ReplaceAll(string(n.Data), "_", "")}
	case unstable.Bool:
		return Value{Kind: Bool, Text: string(n.Data)}
	case unstable.Array:
		v := Value{Kind: List, List: []string{}}
		for all := n.Children(); all.Next(); {
			if all.Node().Kind != unstable.String {
				return Value{Kind: Other}
			}
			v.List = append(v.List, string(all.Node().Data))
		}
		return v
	}
	return Value{Kind: Other}
}

// syntax is a breach of the syntax, with its line.
func (r *reader) syntax(err error) error {
	at := len(r.data)
	breach := new(unstable.ParserError)
	if errors.As(err, &breach) {
		at = min(max(len(r.data)-cap(breach.Highlight), 0), at) // a part of data, to whose end its capacity reaches
	}
	text := strings.TrimPrefix(err.Error(), "toml: ")
	return errorf(1+strings.Count(string(r.data[:at]), "\n"), "no TOML: %s", text)
}
