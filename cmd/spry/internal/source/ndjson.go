// SPDX-License-Identifier: MIT

package source

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// decode reads one line of NDJSON: a message as format json prints it, a string, or a list of frames.
func decode(line []byte) ([][]byte, error) {
	switch line[0] {
	case '"':
		var text string
		err := json.Unmarshal(line, &text)
		return [][]byte{[]byte(text)}, err
	case '[':
		var frames []json.RawMessage
		if err := json.Unmarshal(line, &frames); err != nil {
			return nil, fmt.Errorf("no JSON list of frames: %w", err)
		}
		return decodeFrames(frames)
	}
	var object struct {
		Body       *string           `json:"body"`
		BodyBase64 *string           `json:"body_base64"`
		Frames     []json.RawMessage `json:"frames"`
	}
	if err := json.Unmarshal(line, &object); err != nil {
		return nil, fmt.Errorf("neither a JSON string nor an object: %w", err)
	}
	ways := 0
	for _, given := range []bool{object.Body != nil, object.BodyBase64 != nil, object.Frames != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, errors.New(`the object has not exactly one of "body", "body_base64" and "frames"; --lines sends lines as they are`)
	case object.Frames != nil:
		return decodeFrames(object.Frames)
	case object.Body != nil:
		return [][]byte{[]byte(*object.Body)}, nil
	}
	body, err := base64.StdEncoding.DecodeString(*object.BodyBase64)
	return [][]byte{body}, err
}

// decodeFrames reads frames, each a string or an object with "base64".
func decodeFrames(list []json.RawMessage) ([][]byte, error) {
	if len(list) == 0 {
		return nil, errors.New("a message has at least one frame")
	}
	var frames [][]byte
	for i, raw := range list {
		frame, err := decodeFrame(raw)
		if err != nil {
			return nil, fmt.Errorf("frame %d: %w", i, err)
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

func decodeFrame(raw []byte) ([]byte, error) {
	if raw[0] == '"' {
		var text string
		err := json.Unmarshal(raw, &text)
		return []byte(text), err
	}
	var object struct {
		Base64 *string `json:"base64"`
	}
	if err := json.Unmarshal(raw, &object); err != nil || object.Base64 == nil {
		return nil, errors.New(`neither a string nor an object with "base64"`)
	}
	return base64.StdEncoding.DecodeString(*object.Base64)
}
