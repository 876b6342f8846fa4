// SPDX-License-Identifier: MIT

package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

var crlf = []byte("\r\n")

// Lines attaches a protocol in which every message ends with CR and LF and contains no such pair. An empty line is its end,
// so that an empty message cannot be sent.
func Lines(below *Bytes, limit int) (*Messages, error) { return Frame(below, lines{}, limit) }

type lines struct{}

func (lines) Read(ctx context.Context, below *Bytes, limit int) ([]byte, error) {
	line, err := below.ReadUntil(ctx, crlf, limit)
	switch {
	case err != nil:
		return nil, noEnd(err)
	case len(line) == 0:
		return nil, io.EOF
	}
	return line, nil
}

var errLine = errors.New("a line cannot be empty or contain CR LF")

func (lines) Append(buffers [][]byte, message []byte) ([][]byte, error) {
	if len(message) == 0 || bytes.Contains(message, crlf) || message[len(message)-1] == '\r' {
		return nil, fmt.Errorf("%w: %.40q", errLine, message)
	}
	return append(buffers, message, crlf), nil
}

func (lines) End() []byte { return crlf }
