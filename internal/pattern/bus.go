// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Bus sends every message to all its direct neighbours and receives from all of them.
type Bus struct {
	sides
	receiver
	*fanout
}

// NewBus returns the pattern.
func NewBus(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Bus {
	in, out := newReceiver(s.Options(), false), newFanout(s, overflow)
	return &Bus{newSides(hello, in, out), in, out}
}
