// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Pub sends every message to all its pipes. Peers that tell their topics get what they want; subscribers of the
// Scalability Protocols get everything and filter for themselves.
type Pub struct {
	sides
	*fanout
}

// NewPub returns the pattern.
func NewPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Pub {
	f := newFanout(s, overflow)
	f.filters = true
	return &Pub{newSides(hello, receiver{}, f), f}
}

// NewRadio returns a Pub whose messages are for groups.
func NewRadio(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Pub {
	p := NewPub(s, hello, overflow)
	p.groups = true
	return p
}
