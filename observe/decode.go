// SPDX-License-Identifier: MIT

package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sprymq/spry"
)

// maxListed is how many elements a list of a report may have. An element takes two bytes of a text that lies, and hundreds in memory.
const maxListed = 20_000

var errListed = errors.New("a list of the report has more than 20000 elements")

// A listed is a list of limited length.
type listed[E any] []E

func (l *listed[E]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if begin, err := d.Token(); err != nil || begin != json.Delim('[') {
		return err // null is an empty list
	}
	for d.More() {
		if len(*l) == maxListed {
			return errListed
		}
		var e E
		if err := d.Decode(&e); err != nil {
			return err
		}
		*l = append(*l, e)
	}
	return nil
}

// maxMembers is how many members an object of a socket's report may have: there are fewer fields, and fewer reasons, in any. A member of a
// map takes six bytes of a text that lies, and a hundred in memory.
const maxMembers = 256

var errWide = errors.New("an object of the report has more than 256 members")

// hasWideObject reports whether a JSON text, which is valid, has an object with too many members.
func hasWideObject(text []byte) bool {
	var members []int // of the objects and lists around a place; those of a list are not counted
	inString, escaped := false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			members = append(members, 0)
		case c == '}' || c == ']':
			members = members[:len(members)-1]
		case c == ':':
			if members[len(members)-1]++; members[len(members)-1] > maxMembers {
				return true
			}
		}
	}
	return false
}

// isInstance reports whether a text may be the id of a process: others build names of it.
func isInstance(id string) bool {
	return len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_'
	})
}

// parseReport reads a report that may be hostile. It has at most maxListed pipes, and as many endpoints, of all sockets.
func parseReport(text []byte) (*Report, error) {
	var whole struct {
		Report
		Sockets listed[json.RawMessage] `json:"sockets"`
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	r := &whole.Report
	if !isInstance(r.Instance) {
		return nil, fmt.Errorf("%.80q is no id of a process", r.Instance)
	}
	r.Sockets = []SocketReport{}
	pipes, endpoints := 0, 0
	for _, text := range whole.Sockets { // one after the other, so that no more than a list is beyond the limit
		var s struct {
			SocketReport
			Pipes     listed[spry.PipeStats]     `json:"pipes"`
			Endpoints listed[spry.EndpointStats] `json:"endpoints"`
		}
		if hasWideObject(text) {
			return nil, errWide
		}
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		if pipes, endpoints = pipes+len(s.Pipes), endpoints+len(s.Endpoints); pipes > maxListed || endpoints > maxListed {
			return nil, errListed
		}
		s.SocketReport.Pipes, s.SocketReport.Endpoints = s.Pipes, s.Endpoints
		r.Sockets = append(r.Sockets, s.SocketReport)
	}
	return r, nil
}
