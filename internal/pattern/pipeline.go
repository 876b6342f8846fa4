// SPDX-License-Identifier: MIT

package pattern

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/transport"
)

// Push sends each message to one of its pipes. What a dead pipe has not sent goes to another.
type Push struct {
	sides
	*balancer
}

// NewPush returns the pattern.
func NewPush(hello transport.Hello, leastLoaded bool) *Push {
	return newPush(hello, &balancer{leastLoaded: leastLoaded})
}

// NewConflatingPush returns a Push of whose messages the newest takes the place of those that wait.
func NewConflatingPush(hello transport.Hello) *Push { return newPush(hello, &balancer{conflate: true}) }

func newPush(hello transport.Hello, b *balancer) *Push {
	s := &Push{newSides(hello, receiver{}, b), b}
	s.traits.Reliable = true
	return s
}

// Pull receives from all its pipes in turn.
type Pull struct {
	sides
	receiver
}

// NewPull returns the pattern.
func NewPull(hello transport.Hello, o engine.Options) *Pull { return newPull(hello, newReceiver(o)) }

// NewConflatingPull returns a Pull that keeps the newest message of each pipe only.
func NewConflatingPull(hello transport.Hello) *Pull { return newPull(hello, newConflatingReceiver()) }

func newPull(hello transport.Hello, in receiver) *Pull {
	s := &Pull{newSides(hello, in, nil), in}
	s.traits.Reliable = true
	return s
}
