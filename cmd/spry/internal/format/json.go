// SPDX-License-Identifier: MIT

package format

import (
	"encoding/json"
	"time"

	"github.com/sprymq/spry/internal/textform"
)

// jsonRecord is a line of --format json. What --ndjson reads is a part of it, so that the output of one command
// can be the input of another.
type jsonRecord struct {
	Time  time.Time `json:"time"`
	Peer  string    `json:"peer"`
	User  string    `json:"user,omitempty"`
	Pipe  uint64    `json:"pipe"`
	Size  int       `json:"size"`
	Count int64     `json:"count"`
	textform.Contents
}

func appendJSON(dst []byte, r *Record) ([]byte, error) {
	j := jsonRecord{Time: r.Time, Peer: r.Peer, User: r.User, Pipe: r.Pipe, Size: r.Size, Count: r.Count, Contents: textform.ContentsOf(r.frames()...)}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return append(append(dst, text...), '\n'), nil
}
