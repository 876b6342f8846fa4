// SPDX-License-Identifier: MIT

// Package wsframe is the framing of WebSocket, RFC 6455 section 5. It does no I/O and has no extensions: a frame with a
// reserved bit is an error.
package wsframe

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// An Opcode is the kind of a frame.
type Opcode uint8

// The kinds.
const (
	Continuation Opcode = 0
	Text         Opcode = 1
	Binary       Opcode = 2
	Close        Opcode = 8
	Ping         Opcode = 9
	Pong         Opcode = 10
)

// IsControl reports whether frames of the kind may come between those of a message.
func (o Opcode) IsControl() bool { return o >= Close }

const (
	// MaxHeader is the size of the largest header.
	MaxHeader = 14

	// MaxControl is the size of the largest payload of a control frame.
	MaxControl = 125

	finBit      = 0x80
	reservedBit = 0x70
	opcodeBits  = 0x0f
	maskBit     = 0x80
	lengthBits  = 0x7f
	length16    = 126 // a length of two bytes follows
	length64    = 127 // one of eight
)

// A Header is what is before a frame's payload.
type Header struct {
	Opcode Opcode
	Final  bool // the last frame of its message
	Masked bool
	Key    [4]byte // if Masked
	Length int64   // of the payload
}

// A ProtocolError is a breach of the protocol. Code is the status of the close frame that answers it.
type ProtocolError struct {
	Code   StatusCode
	Reason string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("WebSocket: %s (status %d)", e.Reason, e.Code)
}

func breach(format string, args ...any) error {
	return &ProtocolError{Code: StatusProtocolError, Reason: fmt.Sprintf(format, args...)}
}

// AppendHeader appends the header of a frame.
func AppendHeader(dst []byte, h Header) []byte {
	first := byte(h.Opcode)
	if h.Final {
		first |= finBit
	}
	second := byte(0)
	if h.Masked {
		second = maskBit
	}
	switch n := h.Length; {
	case n < length16:
		dst = append(dst, first, second|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|length16), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|length64), uint64(n))
	}
	if h.Masked {
		dst = append(dst, h.Key[:]...)
	}
	return dst
}

// ParseHeader parses the header at the beginning of b. It returns the size of the header, or 0 if b does not have all of it.
// masked says whether the peer must mask, as a client must and a server must not.
func ParseHeader(b []byte, masked bool) (h Header, size int, err error) {
	if len(b) < 2 {
		return Header{}, 0, nil
	}
	h = Header{Opcode: Opcode(b[0] & opcodeBits), Final: b[0]&finBit != 0, Masked: b[1]&maskBit != 0}
	if err := h.check(b[0]&reservedBit != 0, masked, int(b[1]&lengthBits)); err != nil {
		return Header{}, 0, err
	}
	size = 2
	switch n := b[1] & lengthBits; n {
	case length16:
		if size += 2; len(b) >= size {
			h.Length = int64(binary.BigEndian.Uint16(b[2:]))
			if h.Length < length16 {
				return Header{}, 0, breach("a length of %d in more bytes than it needs", h.Length)
			}
		}
	case length64:
		if size += 8; len(b) >= size {
			n := binary.BigEndian.Uint64(b[2:])
			if h.Length = int64(n); h.Length < 0 || n <= 0xffff {
				return Header{}, 0, breach("a length of %d in eight bytes", n)
			}
		}
	default:
		h.Length = int64(n)
	}
	if h.Masked {
		if size += len(h.Key); len(b) >= size {
			copy(h.Key[:], b[size-len(h.Key):])
		}
	}
	if len(b) < size {
		return Header{}, 0, nil
	}
	return h, size, nil
}

// check looks at what the first two bytes say.
func (h *Header) check(reserved, masked bool, length int) error {
	switch {
	case reserved:
		return breach("a reserved bit is set, and no extension was agreed on")
	case h.Opcode > Binary && h.Opcode < Close || h.Opcode > Pong:
		return breach("unknown opcode %d", h.Opcode)
	case h.Opcode.IsControl() && !h.Final:
		return breach("a control frame in pieces")
	case h.Opcode.IsControl() && length > MaxControl:
		return breach("a control frame with more than %d bytes", MaxControl)
	case masked && !h.Masked:
		return breach("a client's frame without a mask")
	case !masked && h.Masked:
		return breach("a server's frame with a mask")
	}
	return nil
}

// A StatusCode says in a close frame why the connection ends.
type StatusCode uint16

// The codes that are used here.
const (
	StatusNormal        StatusCode = 1000
	StatusGoingAway     StatusCode = 1001
	StatusProtocolError StatusCode = 1002
	StatusUnsupported   StatusCode = 1003 // a kind of data that is not accepted
	StatusNone          StatusCode = 1005 // never sent: the close frame had no code
	StatusInvalidData   StatusCode = 1007 // text that is not UTF-8
	StatusPolicy        StatusCode = 1008
	StatusTooLarge      StatusCode = 1009
	StatusInternal      StatusCode = 1011
)

// valid reports whether the code may be sent.
func (c StatusCode) valid() bool {
	switch {
	case c < 1000, c == 1004, c == 1005, c == 1006, c > 1014 && c < 3000, c > 4999:
		return false
	}
	return true
}

// AppendClose appends the payload of a close frame. The reason is cut to what fits.
func AppendClose(dst []byte, code StatusCode, reason string) []byte {
	if code == StatusNone {
		return dst
	}
	for len(reason) > MaxControl-2 {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), reason...)
}

// ParseClose parses the payload of a close frame.
func ParseClose(payload []byte) (code StatusCode, reason string, err error) {
	switch len(payload) {
	case 0:
		return StatusNone, "", nil
	case 1:
		return 0, "", breach("a close frame with one byte")
	}
	code = StatusCode(binary.BigEndian.Uint16(payload))
	if !code.valid() {
		return 0, "", breach("a close frame with status %d, which is never sent", code)
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", &ProtocolError{Code: StatusInvalidData, Reason: "the reason in a close frame is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}
