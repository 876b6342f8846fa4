// SPDX-License-Identifier: MIT

// Package source yields the messages that the command sends: from flags, files, lines, NDJSON or a whole stream.
package source

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// A Split says how a stream becomes messages.
type Split int

const (
	Whole  Split = iota // the stream is one message
	Lines               // each line is one, without its end
	NDJSON              // each line is a JSON string, or an object with "body" or "body_base64"
)

// A Source is what to send. Messages come in the order Data, Files, Stdin.
type Source struct {
	Data  []string // each is one message
	Files []string // paths, or "-" for Stdin
	Split Split    // for files and standard input

	// Stdin is read after everything else, if not nil and not already named in Files.
	Stdin io.Reader

	// SkipEmpty leaves out a whole stream without a byte in it.
	SkipEmpty bool

	// Limit is the largest message in bytes; 0 or less means no limit.
	Limit int64
}

// Empty tells whether there is nothing to read from.
func (s *Source) Empty() bool { return len(s.Data) == 0 && len(s.Files) == 0 && s.Stdin == nil }

// Repeatable tells whether [Source.All] can be run again with the same result.
func (s *Source) Repeatable() bool {
	if s.Split != Whole || s.Stdin != nil {
		return false
	}
	return !slices.Contains(s.Files, "-")
}

// All yields every message, and ends after the first error. Streams are read while messages are taken, so that
// a line is sent as soon as it was typed. The bytes belong to the caller until the next iteration.
func (s *Source) All() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, data := range s.Data {
			if !yield([]byte(data), nil) {
				return
			}
		}
		stdin := s.Stdin
		for _, path := range s.Files {
			if path == "-" {
				if !s.stream("standard input", cmp.Or(stdin, io.Reader(os.Stdin)), yield) {
					return
				}
				stdin = nil // it is at its end
				continue
			}
			if !s.file(path, yield) {
				return
			}
		}
		if stdin != nil {
			s.stream("standard input", stdin, yield)
		}
	}
}

func (s *Source) file(path string, yield func([]byte, error) bool) bool {
	f, err := os.Open(path)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer f.Close()
	return s.stream(path, f, yield)
}

// stream yields the messages of one stream. It returns false when no more are wanted.
func (s *Source) stream(name string, r io.Reader, yield func([]byte, error) bool) bool {
	if s.Split == Whole {
		limited := r
		if s.Limit > 0 {
			limited = io.LimitReader(r, s.Limit+1)
		}
		body, err := io.ReadAll(limited)
		switch {
		case err != nil:
			yield(nil, fmt.Errorf("%s: %w", name, err))
			return false
		case s.Limit > 0 && int64(len(body)) > s.Limit:
			yield(nil, fmt.Errorf("%s: more than %d bytes; raise --max-message, or split it with --lines", name, s.Limit))
			return false
		case len(body) == 0 && s.SkipEmpty:
			return true
		}
		return yield(body, nil)
	}

	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, end, err := s.line(in)
		if err == nil && !end && s.Split == NDJSON {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			line, err = decode(line)
		}
		if err != nil {
			yield(nil, fmt.Errorf("%s: line %d: %w", name, number, err))
			return false
		}
		if end {
			return true
		}
		if !yield(line, nil) {
			return false
		}
	}
}

// line reads one line, without its end. end means that there was none.
func (s *Source) line(in *bufio.Reader) (line []byte, end bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if s.Limit > 0 && int64(len(line)) > s.Limit+2 {
			return nil, false, fmt.Errorf("more than %d bytes; raise --max-message", s.Limit)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, true, nil
		case err != nil && !errors.Is(err, io.EOF):
			return nil, false, err
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), false, nil
	}
}

// decode reads one line of NDJSON.
func decode(line []byte) ([]byte, error) {
	if line[0] == '"' {
		var text string
		err := json.Unmarshal(line, &text)
		return []byte(text), err
	}
	var object struct {
		Body       *string `json:"body"`
		BodyBase64 *string `json:"body_base64"`
	}
	if err := json.Unmarshal(line, &object); err != nil {
		return nil, fmt.Errorf("neither a JSON string nor an object: %w", err)
	}
	switch {
	case object.Body != nil && object.BodyBase64 != nil:
		return nil, fmt.Errorf(`"body" and "body_base64" at once`)
	case object.Body != nil:
		return []byte(*object.Body), nil
	case object.BodyBase64 != nil:
		return base64.StdEncoding.DecodeString(*object.BodyBase64)
	}
	return nil, fmt.Errorf(`neither "body" nor "body_base64" in the object`)
}
