// SPDX-License-Identifier: MIT

package format

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

// Names of the formats, in the order in which help shows them.
var Names = []string{"text", "raw", "quoted", "hex", "base64", "json", "msgpack-bin", "none"}

// A Record is a received message and what is known of it. Its fields are what a template sees.
type Record struct {
	Body  string    // the message; a string, so that {{.Body}} prints it
	Time  time.Time // when it was received
	Peer  string    // the address that it came from
	Pipe  uint64    // id of the connection that it came over
	Size  int       // bytes of the body
	Count int64     // number of the message, from 1
}

// A Printer writes records in one format. It is not safe for concurrent use.
type Printer struct {
	w      io.Writer
	append func(dst []byte, r *Record) ([]byte, error)
	buf    []byte
}

// New returns a printer for a format's name, or for a template, which is any text with {{ in it. A template's
// output gets a newline.
func New(w io.Writer, name string) (*Printer, error) {
	p := &Printer{w: w}
	switch name {
	case "text":
		p.append = line(func(dst []byte, r *Record) []byte { return AppendText(dst, []byte(r.Body)) })
	case "raw":
		p.append = func(dst []byte, r *Record) ([]byte, error) { return append(dst, r.Body...), nil }
	case "quoted":
		p.append = line(func(dst []byte, r *Record) []byte { return AppendQuoted(dst, []byte(r.Body)) })
	case "hex":
		p.append = line(func(dst []byte, r *Record) []byte { return hex.AppendEncode(dst, []byte(r.Body)) })
	case "base64":
		p.append = line(func(dst []byte, r *Record) []byte { return base64.StdEncoding.AppendEncode(dst, []byte(r.Body)) })
	case "json":
		p.append = appendJSON
	case "msgpack-bin":
		p.append = func(dst []byte, r *Record) ([]byte, error) { return AppendMsgpackBin(dst, []byte(r.Body)) }
	case "none":
		p.append = func(dst []byte, _ *Record) ([]byte, error) { return dst, nil }
	default:
		if !strings.Contains(name, "{{") {
			return nil, fmt.Errorf("format %q is not known; use one of %s, or a template like '{{.Peer}} {{quote .Body}}'",
				name, strings.Join(Names, ", "))
		}
		var err error
		if p.append, err = fromTemplate(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Print writes one record, in a single call of Write.
func (p *Printer) Print(r *Record) error {
	out, err := p.append(p.buf[:0], r)
	if err != nil {
		return err
	}
	if p.buf = out; len(out) == 0 {
		return nil
	}
	_, err = p.w.Write(out)
	return err
}

// line makes a format of one line per message.
func line(body func(dst []byte, r *Record) []byte) func([]byte, *Record) ([]byte, error) {
	return func(dst []byte, r *Record) ([]byte, error) { return append(body(dst, r), '\n'), nil }
}

// jsonRecord is a line of --format json. What --ndjson reads is a part of it, so that the output of one command
// can be the input of another.
type jsonRecord struct {
	Time       time.Time `json:"time"`
	Peer       string    `json:"peer"`
	Pipe       uint64    `json:"pipe"`
	Size       int       `json:"size"`
	Count      int64     `json:"count"`
	Body       *string   `json:"body,omitempty"`
	BodyBase64 *string   `json:"body_base64,omitempty"`
}

func appendJSON(dst []byte, r *Record) ([]byte, error) {
	j := jsonRecord{Time: r.Time, Peer: r.Peer, Pipe: r.Pipe, Size: r.Size, Count: r.Count}
	if utf8.ValidString(r.Body) {
		j.Body = &r.Body
	} else {
		encoded := base64.StdEncoding.EncodeToString([]byte(r.Body))
		j.BodyBase64 = &encoded
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return append(append(dst, text...), '\n'), nil
}

// functions of templates.
var functions = template.FuncMap{
	"quote":  func(s string) string { return string(AppendQuoted(nil, []byte(s))) },
	"hex":    func(s string) string { return hex.EncodeToString([]byte(s)) },
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"text":   func(s string) string { return string(AppendText(nil, []byte(s))) },
}

func fromTemplate(text string) (func([]byte, *Record) ([]byte, error), error) {
	t, err := template.New("format").Funcs(functions).Parse(text)
	if err == nil {
		// Unknown fields show only when a template runs: find them now, not at the first message.
		err = t.Execute(io.Discard, &Record{})
	}
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return func(dst []byte, r *Record) ([]byte, error) {
		var out strings.Builder
		if err := t.Execute(&out, r); err != nil {
			return nil, err
		}
		return append(append(dst, out.String()...), '\n'), nil
	}, nil
}
