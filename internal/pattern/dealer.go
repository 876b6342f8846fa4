// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Dealer sends each message to one of its pipes, and receives from all of them in turn. What a dead pipe has not sent goes
// to another.
type Dealer struct {
	sides
	receiver
	*balancer
}

// NewDealer returns the pattern.
func NewDealer(hello transport.Hello, o engine.Options) *Dealer {
	return newDealer(hello, newReceiver(o), new(balancer))
}

// NewConflatingDealer returns a Dealer that keeps the newest message of each direction only.
func NewConflatingDealer(hello transport.Hello) *Dealer {
	return newDealer(hello, newConflatingReceiver(), &balancer{conflate: true})
}

func newDealer(hello transport.Hello, in receiver, out *balancer) *Dealer {
	return &Dealer{newSides(hello, in, out), in, out}
}
