// SPDX-License-Identifier: MIT

package wsframe

import "fmt"

// A Sequence checks the order of the frames of one direction, and the size of the messages that they make up.
type Sequence struct {
	Limit int64 // most bytes of a message, over all its frames; 0 means no limit

	open   Opcode // kind of the message that is not complete; 0 means none
	size   int64  // of the message, as far as its headers have arrived
	closed bool
}

// Next takes the header of the next frame. It returns the kind of the message that a data frame belongs to, or the kind of
// the control frame.
func (s *Sequence) Next(h Header) (kind Opcode, err error) {
	if s.closed {
		return 0, breach("a frame after the close frame")
	}
	if h.Opcode.IsControl() {
		s.closed = h.Opcode == Close
		return h.Opcode, nil
	}
	switch {
	case h.Opcode == Continuation && s.open == 0:
		return 0, breach("a continuation without a beginning")
	case h.Opcode != Continuation && s.open != 0:
		return 0, breach("a message begins within another")
	case h.Opcode != Continuation:
		s.open, s.size = h.Opcode, 0
	}
	if s.Limit > 0 && h.Length > s.Limit-s.size {
		return 0, &ProtocolError{Code: StatusTooLarge, Reason: fmt.Sprintf("a message of at least %d bytes, where at most %d are allowed", s.size+h.Length, s.Limit)}
	}
	s.size += h.Length
	if kind = s.open; h.Final {
		s.open = 0
	}
	return kind, nil
}

// Size is the size of the message of the last data frame, up to the end of that frame.
func (s *Sequence) Size() int64 { return s.size }
