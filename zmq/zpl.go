// SPDX-License-Identifier: MIT

package zmq

import (
	"fmt"
	"strings"
)

// ZPL is the text format of RFC 4, which CZMQ's certificates are written in: a name a line, which may have a value, and
// which belongs to the nearest line above that is indented by four spaces less.

const (
	zplIndent   = 4
	zplMaxLine  = 1024 // bytes that CZMQ reads of a line
	zplMaxItems = 256
)

// A zplItem is a name directly below a name at the margin, which is its section.
type zplItem struct {
	section, name, value string
}

// parseZPL returns the items that have a section; deeper items are checked and left out. Its errors show no values, which
// may be secret.
func parseZPL(text string) (items []zplItem, err error) {
	section, depth, number := "", 0, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, " \t\v\f\r\n")
		level, name, value, err := parseZPLLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case name == "":
			continue
		case level > depth:
			return nil, fmt.Errorf("line %d: indented by more than one step of %d spaces", number, zplIndent)
		case level == 0:
			section = name
		case level == 1:
			items = append(items, zplItem{section, name, value})
		}
		if len(items) > zplMaxItems {
			return nil, fmt.Errorf("line %d: more than %d values", number, zplMaxItems)
		}
		depth = level + 1
	}
	return items, nil
}

// parseZPLLine splits a line. A blank one, or one of a comment only, has no name.
func parseZPLLine(line string) (level int, name, value string, err error) {
	rest := strings.TrimLeft(line, " ")
	indent := len(line) - len(rest)
	switch {
	case len(line) > zplMaxLine:
		return 0, "", "", fmt.Errorf("more than %d bytes", zplMaxLine)
	case strings.ContainsRune(line, 0):
		return 0, "", "", fmt.Errorf("a NUL byte")
	case endsZPLLine(rest):
		return 0, "", "", nil
	case indent%zplIndent != 0:
		return 0, "", "", fmt.Errorf("indented by %d spaces, which is not a multiple of %d", indent, zplIndent)
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !isZPLName(r) })
	if end < 0 {
		end = len(rest)
	}
	name, rest = rest[:end], rest[end:]
	if !goodZPLName(name) {
		return 0, "", "", fmt.Errorf("no name where one belongs")
	}
	value, err = parseZPLValue(strings.TrimLeft(rest, " \t"))
	return indent / zplIndent, name, value, err
}

// parseZPLValue parses the text after a name: nothing, or a quoted value, or one that ends with the line or a comment.
func parseZPLValue(rest string) (string, error) {
	after, isValue := strings.CutPrefix(rest, "=")
	if !isValue {
		if !endsZPLLine(rest) {
			return "", fmt.Errorf("a name is followed by neither = nor a comment")
		}
		return "", nil
	}
	after = strings.TrimLeft(after, " \t")
	if after != "" && (after[0] == '"' || after[0] == '\'') {
		value, rest, closed := strings.Cut(after[1:], after[:1])
		if !closed || !endsZPLLine(rest) {
			return "", fmt.Errorf("a quoted value does not end with its line")
		}
		return value, nil
	}
	value, _, _ := strings.Cut(after, "#")
	return strings.TrimRight(value, " \t"), nil
}

// endsZPLLine reports whether only a comment follows.
func endsZPLLine(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\v\f\r")
	return rest == "" || rest[0] == '#'
}

func isZPLName(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r != 0 && strings.ContainsRune("$-_@.&+/", r)
}

func goodZPLName(name string) bool {
	return name != "" && name[0] != '/' && name[len(name)-1] != '/' &&
		strings.IndexFunc(name, func(r rune) bool { return !isZPLName(r) }) < 0
}

// appendZPL appends an item of a section. ZPL has no way to write a value of several lines, or one with both quotes.
func appendZPL(dst []byte, name, value string) ([]byte, error) {
	quote := byte('"')
	if strings.IndexByte(value, quote) >= 0 {
		quote = '\''
	}
	start := len(dst)
	switch {
	case !goodZPLName(name):
		return nil, fmt.Errorf("the name %.40q has other characters than letters, digits and $-_@.&+/", name)
	case strings.IndexByte(value, quote) >= 0:
		return nil, fmt.Errorf("the value of %s has quotes of both kinds: leave one out", name)
	case strings.ContainsAny(value, "\x00\r\n"):
		return nil, fmt.Errorf("the value of %s has more than one line: make it one", name)
	}
	dst = append(append(dst, "    "+name+" = "...), quote)
	dst = append(append(dst, value...), quote)
	if len(dst)-start > zplMaxLine {
		return nil, fmt.Errorf("the value of %s makes a line of more than %d bytes: shorten it", name, zplMaxLine)
	}
	return append(dst, '\n'), nil
}
