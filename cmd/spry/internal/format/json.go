// SPDX-License-Identifier: MIT

package format

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// jsonRecord is a line of --format json. What --ndjson reads is a part of it, so that the output of one command
// can be the input of another.
type jsonRecord struct {
	Time       time.Time   `json:"time"`
	Peer       string      `json:"peer"`
	User       string      `json:"user,omitempty"`
	Pipe       uint64      `json:"pipe"`
	Size       int         `json:"size"`
	Count      int64       `json:"count"`
	Body       *string     `json:"body,omitempty"`
	BodyBase64 *string     `json:"body_base64,omitempty"`
	Frames     []jsonFrame `json:"frames,omitempty"` // instead of a body, if there are several
}

// A jsonFrame is a string or, where it is not UTF-8, an object with its base64.
type jsonFrame string

// MarshalJSON implements json.Marshaler.
func (f jsonFrame) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(f)) {
		return json.Marshal(string(f))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(f)})
}

func appendJSON(dst []byte, r *Record) ([]byte, error) {
	j := jsonRecord{Time: r.Time, Peer: r.Peer, User: r.User, Pipe: r.Pipe, Size: r.Size, Count: r.Count}
	switch {
	case len(r.Frames) > 0:
		for _, f := range r.Frames {
			j.Frames = append(j.Frames, jsonFrame(f))
		}
	case utf8.ValidString(r.Body):
		j.Body = &r.Body
	default:
		encoded := base64.StdEncoding.EncodeToString([]byte(r.Body))
		j.BodyBase64 = &encoded
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return append(append(dst, text...), '\n'), nil
}
