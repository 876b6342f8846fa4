// SPDX-License-Identifier: MIT

// Package format prints messages: in one of the named formats, or through a template.
package format

import (
	"fmt"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// printable reports whether a byte is printable ASCII.
func printable(c byte) bool { return ' ' <= c && c <= '~' }

// AppendQuoted appends body as a string literal of C in double quotes. Bytes that are not printable ASCII
// become \n, \r, \t or \xNN, so that the result is one line.
func AppendQuoted(dst, body []byte) []byte {
	dst = append(dst, '"')
	for _, c := range body {
		switch {
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case printable(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}

// AppendHexLiteral appends body as a string literal of C in which every byte is \xNN.
func AppendHexLiteral(dst, body []byte) []byte {
	dst = append(dst, '"')
	for _, c := range body {
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}

// AppendASCII appends body with every byte that is not printable ASCII replaced by a dot.
func AppendASCII(dst, body []byte) []byte {
	for _, c := range body {
		if !printable(c) {
			c = '.'
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendText appends body as UTF-8 text that is safe to show on a terminal: control characters other than tab
// and newline, and bytes that are not UTF-8, become \xNN.
func AppendText(dst, body []byte) []byte {
	for len(body) > 0 {
		plain := 0
		for plain < len(body) && printable(body[plain]) {
			plain++
		}
		dst = append(dst, body[:plain]...)
		if body = body[plain:]; len(body) == 0 {
			break
		}
		r, size := utf8.DecodeRune(body)
		control := r < ' ' && r != '\t' && r != '\n' || 0x7f <= r && r <= 0x9f
		if r == utf8.RuneError && size == 1 || control {
			for _, c := range body[:size] {
				dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			}
		} else {
			dst = append(dst, body[:size]...)
		}
		body = body[size:]
	}
	return dst
}

// AppendMsgpackBin appends body as a MessagePack value of type bin 8, 16 or 32. It fails if the length does not fit into 32
// bits.
func AppendMsgpackBin(dst, body []byte) ([]byte, error) {
	n := uint64(len(body))
	switch {
	case n < 1<<8:
		dst = append(dst, 0xc4, byte(n))
	case n < 1<<16:
		dst = append(dst, 0xc5, byte(n>>8), byte(n))
	case n < 1<<32:
		dst = append(dst, 0xc6, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	default:
		return nil, fmt.Errorf("a message of %d bytes is too large for MessagePack; print it raw", n)
	}
	return append(dst, body...), nil
}

// appendMsgpackArray appends the head of an array of n values.
func appendMsgpackArray(dst []byte, n int) []byte {
	switch {
	case n < 1<<4:
		return append(dst, 0x90|byte(n))
	case n < 1<<16:
		return append(dst, 0xdc, byte(n>>8), byte(n))
	}
	return append(dst, 0xdd, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
