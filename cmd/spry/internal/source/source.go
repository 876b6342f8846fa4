// SPDX-License-Identifier: MIT

// Package source yields the messages that the command sends: from flags, files, lines, NDJSON or a whole stream.
package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// A Split says how a stream becomes messages.
type Split int

const (
	Whole  Split = iota // the stream is one message
	Lines               // each line is one, without its end
	NDJSON              // each line is a JSON string, or an object with "body", "body_base64" or "frames"
)

// A Source is what to send. Messages come in the order Data, Files, Stdin.
type Source struct {
	Data  []string // each is one message
	Files []string // paths, or "-" for Stdin
	Split Split    // for files and standard input

	// Together makes all there is the frames of one message.
	Together bool

	// Separator stands between the frames of a message, but for NDJSON, which has its own way. Without one, messages have one
	// frame.
	Separator string

	// Stdin is read after everything else, if not nil and not already named in Files.
	Stdin io.Reader

	// SkipEmpty leaves out a whole stream without a byte in it.
	SkipEmpty bool

	// Limit is the largest message in bytes; 0 or less means no limit.
	Limit int64
}

// Empty reports whether there is nothing to read from.
func (s *Source) Empty() bool { return len(s.Data) == 0 && len(s.Files) == 0 && s.Stdin == nil }

// Repeatable reports whether [Source.All] can be run again with the same result.
func (s *Source) Repeatable() bool {
	if s.Split != Whole || s.Stdin != nil {
		return false
	}
	return !slices.Contains(s.Files, "-")
}

// All yields every message, as its frames, and ends after the first error. Streams are read while messages are taken, so
// that a line is sent as soon as it was typed. The bytes belong to the caller until the next iteration.
func (s *Source) All() iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		for run, err := range s.Runs() {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, frames := range run {
				if !yield(frames, nil) {
					return
				}
			}
		}
	}
}

// Runs yields what All does, as many messages at a time as are there without waiting: the lines that one read brought, and
// otherwise one message.
func (s *Source) Runs() iter.Seq2[[][][]byte, error] {
	if s.Together {
		return s.together
	}
	return s.each
}

// together yields all there is as one message.
func (s *Source) together(yield func([][][]byte, error) bool) {
	var all [][]byte
	for run, err := range s.each {
		if err != nil {
			yield(nil, err)
			return
		}
		for _, frame := range slices.Concat(run...) {
			all = append(all, bytes.Clone(frame))
		}
	}
	yield([][][]byte{all}, nil)
}

// each yields what there is, in order.
func (s *Source) each(yield func([][][]byte, error) bool) {
	for _, data := range s.Data {
		if !yield([][][]byte{s.frames([]byte(data))}, nil) {
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

// frames takes a message apart.
func (s *Source) frames(body []byte) [][]byte {
	if s.Separator == "" {
		return [][]byte{body}
	}
	return bytes.Split(body, []byte(s.Separator))
}

// Check reports whether there is a file. It does not open it: the contents of a pipe can be read once only.
func Check(path string) error {
	_, err := os.Stat(path)
	return named(path, err)
}

// named is an error about a file with the flag that names it.
func named(path string, err error) error {
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return fmt.Errorf("--file %s: %w", path, failed.Err)
	}
	return err
}

func (s *Source) file(path string, yield func([][][]byte, error) bool) bool {
	f, err := os.Open(path)
	if err != nil {
		yield(nil, named(path, err))
		return false
	}
	defer f.Close()
	return s.stream(path, f, yield)
}

// stream yields the messages of one stream. It returns false when no more are wanted.
func (s *Source) stream(name string, r io.Reader, yield func([][][]byte, error) bool) bool {
	if s.Split != Whole {
		return s.lines(name, r, yield)
	}
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
	return yield([][][]byte{s.frames(body)}, nil)
}
