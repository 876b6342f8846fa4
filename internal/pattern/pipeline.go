// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Push sends each message to one of its pipes. Messages that an ended pipe has not sent go to another.
type Push struct {
	sides
	*balancer
}

// NewPush returns the pattern. With conflate, the newest message replaces waiting ones.
func NewPush(hello transport.Hello, leastLoaded, conflate bool) *Push {
	b := &balancer{leastLoaded: leastLoaded, conflate: conflate}
	s := &Push{newSides(hello, receiver{}, b), b}
	s.traits.Reliable = true
	return s
}

// Pull receives from all its pipes in turn.
type Pull struct {
	sides
	receiver
}

// NewPull returns the pattern. With conflate, it keeps the newest message of each pipe only.
func NewPull(hello transport.Hello, o engine.Options, conflate bool) *Pull {
	in := newReceiver(o, conflate)
	s := &Pull{newSides(hello, in, nil), in}
	s.traits.Reliable = true
	return s
}
