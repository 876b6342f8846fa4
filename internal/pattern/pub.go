// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Pub sends every message to all its pipes. Peers that send their topics get only matching messages; subscribers of the
// Scalability Protocols get everything and filter for themselves.
type Pub struct {
	sides
	*fanout
}

// NewPub returns the pattern. With groups, it is a Radio, which sends messages to groups.
func NewPub(s *engine.Socket, hello transport.Hello, overflow engine.Overflow, groups bool) *Pub {
	f := newFanout(s, overflow)
	f.filtering, f.index.exact = true, groups
	return &Pub{newSides(hello, receiver{}, f), f}
}
