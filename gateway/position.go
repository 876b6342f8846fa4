// SPDX-License-Identifier: MIT

package gateway

import (
	"errors"
	"strconv"
	"strings"
)

// A position is what the id of an event says.
type position struct {
	epoch  string
	offset uint64
}

// appendTo appends the position as the line of an event.
func (p position) appendTo(dst []byte) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, p.epoch...)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, p.offset, 10)
	return append(dst, '\n')
}

// maxPosition is the length of the longest text of a position.
const maxPosition = 64

var errPosition = errors.New("no id of an event: an epoch and an offset, joined by -")

// parsePosition reads the id of an event, as a client returns it: only what appendTo writes is one.
func parsePosition(text string) (p position, err error) {
	epoch, offset, _ := strings.Cut(text, "-")
	if len(text) > maxPosition || epoch == "" || strings.ContainsFunc(epoch, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'z') }) {
		return p, errPosition
	}
	n, err := strconv.ParseUint(offset, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != offset {
		return p, errPosition
	}
	return position{epoch, n}, nil
}
