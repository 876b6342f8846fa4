// SPDX-License-Identifier: MIT

package sse

import (
	"errors"
	"strconv"
	"strings"
)

// A Position is what the id of an event says: an epoch, which is the life of a [Ring], and an offset in it.
type Position struct {
	Epoch  string // digits and lower-case letters
	Offset uint64
}

// AppendTo appends the position as the line of an event.
func (p Position) AppendTo(dst []byte) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, p.Epoch...)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, p.Offset, 10)
	return append(dst, '\n')
}

// MaxPosition is the length of the longest text of a position.
const MaxPosition = 64

var errPosition = errors.New("no id of an event: an epoch and an offset, joined by -")

// ParsePosition reads the id of an event, as a client returns it: only what AppendTo writes is one.
func ParsePosition(text string) (p Position, err error) {
	epoch, offset, _ := strings.Cut(text, "-")
	if len(text) > MaxPosition || epoch == "" || strings.ContainsFunc(epoch, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'z') }) {
		return p, errPosition
	}
	n, err := strconv.ParseUint(offset, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != offset {
		return p, errPosition
	}
	return Position{epoch, n}, nil
}
