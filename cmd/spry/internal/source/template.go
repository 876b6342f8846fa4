// SPDX-License-Identifier: MIT

package source

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"text/template"
	"time"
)

// Templates fill in the messages that are sent. They are not safe for concurrent use.
type Templates struct {
	text   string // that parsed is of
	parsed *template.Template
}

// A Sending has the fields for the template of a message.
type Sending struct {
	Count int64     // its number, from 1
	Time  time.Time // now
}

// Random is 16 random hexadecimal digits.
func (Sending) Random() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// Fill returns frames with the actions of text/template, such as {{.Count}}, replaced. count is the number of the message.
func (t *Templates) Fill(frames [][]byte, count int64) ([][]byte, error) {
	filled := make([][]byte, len(frames))
	for i, frame := range frames {
		if text := string(frame); t.parsed == nil || text != t.text {
			parsed, err := template.New("message").Parse(text)
			if err != nil {
				return nil, templateError(err)
			}
			t.text, t.parsed = text, parsed
		}
		var out bytes.Buffer
		if err := t.parsed.Execute(&out, Sending{Count: count, Time: time.Now()}); err != nil {
			return nil, templateError(err)
		}
		filled[i] = out.Bytes()
	}
	return filled, nil
}

func templateError(err error) error {
	return fmt.Errorf("%w; there are .Count, .Time and .Random, as in --data 'tick {{.Count}}'", err)
}
