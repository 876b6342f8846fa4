// SPDX-License-Identifier: MIT

package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"

	"github.com/sprymq/spry/internal/textform"
)

// A rawEvent is an event as the stream has it.
type rawEvent struct {
	id, kind string
	data     []byte // nil if there is none
}

// event is what a rawEvent with data says.
func (e *rawEvent) event() (Event, error) {
	if e.kind != gapEvent {
		frames, err := textform.ParseFrames(e.data)
		if err != nil {
			return Event{}, &unusableError{"the data of an event is no message: " + err.Error()}
		}
		return Event{ID: e.id, Frames: frames}, nil
	}
	var gap gapData
	if err := json.Unmarshal(e.data, &gap); err != nil {
		return Event{}, &unusableError{"the data of a gap is no JSON: " + err.Error()}
	}
	event := Event{ID: e.id, Gap: true, Missed: -1}
	if gap.Missed != nil {
		event.Missed = int64(min(*gap.Missed, 1<<62))
	}
	return event, nil
}

// An eventParser reads server-sent events, as the specification of HTML describes them. It takes lines that end with LF or CRLF, as
// [Events] and what is between write them.
type eventParser struct {
	lines *bufio.Reader
	limit int
}

// next reads up to the end of an event. One that is cut is none.
func (p *eventParser) next() (rawEvent, error) {
	var e rawEvent
	for {
		line, err := readLine(p.lines, p.limit)
		if err != nil {
			return rawEvent{}, err
		}
		if len(line) == 0 {
			return e, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			e.id = string(value)
		case "event":
			e.kind = string(value)
		case "data":
			if e.data == nil {
				e.data = make([]byte, 0, len(value))
			} else {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
		}
		if len(e.data) > p.limit {
			return rawEvent{}, tooLong("event", int64(p.limit))
		}
	}
}
