// SPDX-License-Identifier: MIT

// Package sse has what server-sent events need at both ends: ids from which a stream resumes, a ring of the events to resume with, and
// a parser. The specification of HTML describes the format.
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ContentType is the type of a stream of events.
const ContentType = "text/event-stream"

// An Event is an event as a stream has it.
type Event struct {
	ID, Kind string
	Data     []byte // nil if there is none: then the event is a comment or an id alone
}

// A Parser reads events. It takes lines that end with LF or CRLF.
type Parser struct {
	Lines *bufio.Reader
	Limit int // bytes of a line, and of the data of an event
}

// ErrTooLong says that a line or an event is longer than the limit.
var ErrTooLong = errors.New("longer than the limit")

// Next reads up to the end of an event. One that is cut is none.
func (p *Parser) Next() (Event, error) {
	var e Event
	for {
		line, err := ReadLine(p.Lines, p.Limit)
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 {
			return e, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			e.ID = string(value)
		case "event":
			e.Kind = string(value)
		case "data":
			if e.Data == nil {
				e.Data = make([]byte, 0, len(value))
			} else {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
		}
		if len(e.Data) > p.Limit {
			return Event{}, ErrTooLong
		}
	}
}

// ReadLine reads a line of at most limit bytes, without its end. A last line without an end is one too.
func ReadLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return nil, ErrTooLong
		case err == nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		case err == bufio.ErrBufferFull: //nolint:errorlint // bufio returns it as it is
		case err == io.EOF && len(line) > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}
