// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Dealer sends each message to one of its pipes, and receives from all of them in turn. Messages that an ended pipe has not
// sent go to another.
type Dealer struct {
	sides
	receiver
	*balancer
}

// NewDealer returns the pattern. With conflate, it keeps the newest message of each direction only.
func NewDealer(hello transport.Hello, o engine.Options, conflate bool) *Dealer {
	in, out := newReceiver(o, conflate), &balancer{conflate: conflate}
	return &Dealer{newSides(hello, in, out), in, out}
}
