// SPDX-License-Identifier: MIT

package format

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"
)

// Names of the formats, in the order in which help shows them.
var Names = []string{"text", "raw", "quoted", "hex", "base64", "json", "msgpack-bin", "none"}

// A Record is a received message with its metadata. Templates use its fields.
type Record struct {
	Body   string    // the message, its frames joined; a string, so that {{.Body}} prints it
	Frames []string  // the frames of a message that has several; else nothing
	Time   time.Time // when it was received
	Peer   string    // the address that it came from
	User   string    // who the peer proved to be, if it had to
	Pipe   uint64    // id of the connection that it came over
	Size   int       // bytes of the body
	Count  int64     // number of the message, from 1
	Header string    // routing header of a raw socket's message, for recordings
}

// Frame is the frame with a number, from 0 on, for templates. It is empty if there is none.
func (r *Record) Frame(n int) string {
	if frames := r.frames(); 0 <= n && n < len(frames) {
		return frames[n]
	}
	return ""
}

// defaultSeparator stands between frames as text, so that a reader sees where they end.
const defaultSeparator = " | "

// A Printer writes records in one format. It is not safe for concurrent use.
type Printer struct {
	w      io.Writer
	append func(dst []byte, r *Record) ([]byte, error)
	buf    []byte
}

// New returns a printer for a format's name, or for a template, which is any text with {{ in it. A template's output gets a
// newline. separator separates frames that are printed as text or raw. If it is empty, a bar separates frames of text and
// nothing separates raw ones.
func New(w io.Writer, name, separator string) (*Printer, error) {
	p := &Printer{w: w}
	switch name {
	case "text":
		p.append = line(cmp.Or(separator, defaultSeparator), AppendText)
	case "raw":
		p.append = func(dst []byte, r *Record) ([]byte, error) {
			return appendFrames(dst, r, separator, func(dst, frame []byte) []byte { return append(dst, frame...) }), nil
		}
	case "quoted":
		p.append = line(" ", AppendQuoted)
	case "hex":
		p.append = line(" ", hex.AppendEncode)
	case "base64":
		p.append = line(" ", base64.StdEncoding.AppendEncode)
	case "json":
		p.append = appendJSON
	case "msgpack-bin":
		p.append = appendMsgpack
	case "none":
		p.append = func(dst []byte, _ *Record) ([]byte, error) { return dst, nil }
	default:
		if !strings.Contains(name, "{{") {
			return nil, fmt.Errorf("--format %q is none of %s, nor a template like '{{.Peer}} {{quote .Body}}'",
				name, strings.Join(Names, ", "))
		}
		var err error
		if p.append, err = fromTemplate(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// writtenAtOnce is how many bytes of records a Printer gathers.
const writtenAtOnce = 64 << 10

// Print writes records, a few of them in a single call of Write.
func (p *Printer) Print(records ...Record) error {
	p.buf = p.buf[:0]
	for i := range records {
		out, err := p.append(p.buf, &records[i])
		if err != nil {
			return errors.Join(p.flush(), err) // the records before it are written
		}
		p.buf = out
		if len(p.buf) < writtenAtOnce {
			continue
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	return p.flush()
}

func (p *Printer) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

// line makes a format of one line per message.
func line(separator string, frame func(dst, frame []byte) []byte) func([]byte, *Record) ([]byte, error) {
	return func(dst []byte, r *Record) ([]byte, error) {
		return append(appendFrames(dst, r, separator, frame), '\n'), nil
	}
}

// appendFrames appends the frames of a message with a separator between them.
func appendFrames(dst []byte, r *Record, separator string, frame func(dst, frame []byte) []byte) []byte {
	if len(r.Frames) == 0 {
		return frame(dst, []byte(r.Body))
	}
	for i, f := range r.Frames {
		if i > 0 {
			dst = append(dst, separator...)
		}
		dst = frame(dst, []byte(f))
	}
	return dst
}

// frames are all there are: the body of a message that has one only.
func (r *Record) frames() []string {
	if len(r.Frames) > 0 {
		return r.Frames
	}
	return []string{r.Body}
}

// appendMsgpack appends a value of type bin, or an array of such if there are several frames.
func appendMsgpack(dst []byte, r *Record) (_ []byte, err error) {
	if len(r.Frames) > 0 {
		dst = appendMsgpackArray(dst, len(r.Frames))
	}
	for _, f := range r.frames() {
		if dst, err = AppendMsgpackBin(dst, []byte(f)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// functions of templates.
var functions = template.FuncMap{
	"quote":  func(s string) string { return string(AppendQuoted(nil, []byte(s))) },
	"hex":    func(s string) string { return hex.EncodeToString([]byte(s)) },
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"text":   func(s string) string { return string(AppendText(nil, []byte(s))) },
	"json":   fields,
}

// fields are the fields of a body that is a JSON object, for {{(json .Body).price}}. Other bodies have none.
func fields(s string) map[string]any {
	var object map[string]any
	_ = json.Unmarshal([]byte(s), &object)
	return object
}

func fromTemplate(text string) (func([]byte, *Record) ([]byte, error), error) {
	t, err := template.New("format").Funcs(functions).Parse(text)
	if err == nil {
		// Unknown fields show only when a template runs: find them now, not at the first message.
		err = t.Execute(io.Discard, &Record{})
	}
	if err != nil {
		return nil, fmt.Errorf("--format: %w; there are .Body .Frames .Frame .Time .Peer .User .Pipe .Size .Count and quote, hex, base64, text, json", err)
	}
	return func(dst []byte, r *Record) ([]byte, error) {
		var out strings.Builder
		whole := *r
		whole.Frames = r.frames()
		if err := t.Execute(&out, &whole); err != nil {
			return nil, err
		}
		return append(append(dst, out.String()...), '\n'), nil
	}, nil
}
