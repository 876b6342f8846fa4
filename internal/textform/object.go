// SPDX-License-Identifier: MIT

// Package textform has messages as text: the JSON objects of the command and of WebSocket, and the routing headers of the
// Scalability Protocols in them.
package textform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Contents are the fields of an object with the contents of a message: exactly one of them is set.
type Contents struct {
	Body       *string `json:"body,omitempty"`
	BodyBase64 *string `json:"body_base64,omitempty"` // if the body is not UTF-8
	Frames     []Frame `json:"frames,omitempty"`      // if there are several
}

// ContentsOf are the fields for a message of these frames, at least one.
func ContentsOf(frames ...string) (c Contents) {
	switch {
	case len(frames) > 1:
		for _, f := range frames {
			c.Frames = append(c.Frames, Frame(f))
		}
	case utf8.ValidString(frames[0]):
		c.Body = &frames[0]
	default:
		encoded := base64.StdEncoding.EncodeToString([]byte(frames[0]))
		c.BodyBase64 = &encoded
	}
	return c
}

// A Frame is a string or, where it is not UTF-8, an object with its base64.
type Frame string

// MarshalJSON implements [json.Marshaler].
func (f Frame) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(f)) {
		return json.Marshal(string(f))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(f)})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *Frame) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(f))
	}
	var object struct {
		Base64 *string `json:"base64"`
	}
	if err := json.Unmarshal(raw, &object); err != nil || object.Base64 == nil {
		return errors.New(`a frame is neither a string nor an object with "base64"`)
	}
	data, err := base64.StdEncoding.DecodeString(*object.Base64)
	*f = Frame(data)
	return err
}

// ErrContents says that an object does not have exactly one of the fields for contents.
var ErrContents = errors.New(`the object has not exactly one of "body", "body_base64" and "frames"`)

// A Message is what an object says.
type Message struct {
	Header
	Frames [][]byte // at least one
}

// Parse reads a message: an object, a string, or a list of frames. It ignores other fields.
func Parse(text []byte) (m Message, err error) {
	if m.Frames, err = ParseFrames(text); err == nil && text[bytes.IndexAny(text, `{["`)] == '{' {
		err = json.Unmarshal(text, &m.Header)
	}
	return m, err
}

// ParseFrames is Parse for the contents alone.
func ParseFrames(text []byte) ([][]byte, error) {
	text = bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, errors.New("an empty text is no JSON")
	case text[0] == '"':
		var body string
		err := json.Unmarshal(text, &body)
		return [][]byte{[]byte(body)}, err
	case text[0] == '[':
		var frames []Frame
		if err := json.Unmarshal(text, &frames); err != nil {
			return nil, fmt.Errorf("no JSON list of frames: %w", err)
		}
		return frameBytes(frames)
	}
	var object Contents
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("neither a JSON string nor an object: %w", err)
	}
	return object.frames()
}

// frames are the contents.
func (c *Contents) frames() ([][]byte, error) {
	ways := 0
	for _, given := range []bool{c.Body != nil, c.BodyBase64 != nil, c.Frames != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, ErrContents
	case c.Frames != nil:
		return frameBytes(c.Frames)
	case c.Body != nil:
		return [][]byte{[]byte(*c.Body)}, nil
	}
	body, err := base64.StdEncoding.DecodeString(*c.BodyBase64)
	return [][]byte{body}, err
}

func frameBytes(list []Frame) (frames [][]byte, err error) {
	if len(list) == 0 {
		return nil, errors.New("a message has at least one frame")
	}
	for _, f := range list {
		frames = append(frames, []byte(f))
	}
	return frames, nil
}
