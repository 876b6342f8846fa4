// SPDX-License-Identifier: MIT

package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// readAtOnce is how much of a stream is read at a time. The lines in it are sent together.
const readAtOnce = 64 << 10

// lines yields the messages of a stream of lines, those of one read together. It returns false when no more are wanted.
func (s *Source) lines(name string, r io.Reader, yield func([][][]byte, error) bool) bool {
	in := splitter{in: r, limit: s.Limit}
	var run [][][]byte
	for number := 1; ; {
		lines, end := in.next()
		var bad error
		n := 0
		for run = run[:0]; n < len(lines) && bad == nil; n++ {
			run, bad = s.appendLine(run, lines[n:n+1])
		}
		if len(run) > 0 && !yield(run, nil) {
			return false
		}
		switch {
		case bad != nil:
			number += n - 1
		case errors.Is(end, io.EOF):
			return true
		default:
			number += n
			bad = end
		}
		if bad != nil {
			yield(nil, fmt.Errorf("%s: line %d: %w", name, number, bad))
			return false
		}
	}
}

// appendLine appends the message of a line. A blank line of NDJSON has none.
func (s *Source) appendLine(run [][][]byte, line [][]byte) ([][][]byte, error) {
	switch {
	case s.Split == NDJSON:
		text := bytes.TrimSpace(line[0])
		if len(text) == 0 {
			return run, nil
		}
		frames, err := decode(text)
		if err != nil {
			return run, err
		}
		return append(run, frames), nil
	case s.Separator == "":
		return append(run, line), nil
	}
	return append(run, s.frames(line[0])), nil
}

// A splitter reads lines.
type splitter struct {
	in    io.Reader
	limit int64  // of the bytes of a line; 0 or less is none
	data  []byte // read
	used  int    // of data, by the lines before
	lines [][]byte
}

// next waits for a line, and returns it with those that the same read brought, without their ends. They are valid until the
// next call. An error comes with the lines before it, io.EOF with the last ones.
func (p *splitter) next() ([][]byte, error) {
	p.data = p.data[:copy(p.data, p.data[p.used:])]
	p.used, p.lines = 0, p.lines[:0]
	for {
		from := len(p.data)
		p.data = slices.Grow(p.data, readAtOnce)
		n, err := p.in.Read(p.data[from : from+readAtOnce])
		p.data = p.data[:from+n]
		if bytes.IndexByte(p.data[from:], '\n') >= 0 {
			if tooLong := p.split(); tooLong != nil {
				return p.lines, tooLong
			}
		}
		rest := p.data[p.used:]
		if p.tooLong(rest) {
			return p.lines, p.errTooLong()
		}
		if errors.Is(err, io.EOF) && len(rest) > 0 {
			p.lines = append(p.lines, bytes.TrimSuffix(rest, []byte("\r")))
			p.used = len(p.data)
		}
		if err != nil || len(p.lines) > 0 {
			return p.lines, err
		}
	}
}

// split takes the whole lines that were read.
func (p *splitter) split() error {
	for {
		end := bytes.IndexByte(p.data[p.used:], '\n')
		if end < 0 {
			return nil
		}
		line := p.data[p.used : p.used+end]
		if p.tooLong(p.data[p.used : p.used+end+1]) {
			return p.errTooLong()
		}
		p.lines = append(p.lines, bytes.TrimSuffix(line, []byte("\r")))
		p.used += end + 1
	}
}

// tooLong reports whether a line, with an end of at most two bytes, is beyond the limit.
func (p *splitter) tooLong(line []byte) bool { return p.limit > 0 && int64(len(line)) > p.limit+2 }

func (p *splitter) errTooLong() error {
	return fmt.Errorf("more than %d bytes; raise --max-message", p.limit)
}
