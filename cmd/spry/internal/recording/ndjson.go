// SPDX-License-Identifier: MIT

package recording

import (
	"encoding/json"
	"time"

	"github.com/sprymq/spry/internal/textform"
)

// A line is a message as JSON. What the flag --ndjson of other verbs reads, and what their --format json prints, is a part of it.
type line struct {
	Time   time.Time `json:"time"`
	Peer   string    `json:"peer,omitempty"`
	User   string    `json:"user,omitempty"`
	Pipe   uint64    `json:"pipe,omitempty"`
	Size   int64     `json:"size"`
	Count  uint64    `json:"count"`
	Topic  string    `json:"topic,omitempty"`
	Header []byte    `json:"header,omitempty"` // in base64
}

// appendJSON appends a message as a line.
func appendJSON(dst []byte, m *Message) ([]byte, error) {
	var frames []string
	for _, f := range m.Frames {
		frames = append(frames, string(f))
	}
	text, err := json.Marshal(struct {
		line
		textform.Contents
	}{line{m.Time, m.Peer, m.User, m.Pipe, m.Size(), m.Number, m.Topic, m.Header}, textform.ContentsOf(frames...)})
	return append(append(dst, text...), '\n'), err
}

// parseJSON reads a line. One that people wrote may have contents only.
func parseJSON(text []byte) (m Message, err error) {
	contents, err := textform.Parse(text)
	if err != nil {
		return m, err
	}
	if len(contents.Frames) > MaxFrames {
		return m, ErrTooManyFrames
	}
	var l line
	if first := firstOf(text); first == '{' {
		if err := json.Unmarshal(text, &l); err != nil {
			return m, err
		}
	}
	return Message{Number: l.Count, Time: l.Time, Pipe: l.Pipe, Peer: l.Peer, User: l.User, Topic: l.Topic, Header: l.Header, Frames: contents.Frames}, nil
}

func firstOf(text []byte) byte {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}
