// SPDX-License-Identifier: MIT

package engine

import (
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// A Pattern is what happens to messages: routing, filtering, request state. It sees pipes and messages, never
// bytes on a wire or connections. The engine calls it without holding a lock of its own, from many goroutines;
// a pattern's methods must not block.
type Pattern interface {
	// Traits are constant.
	Traits() Traits

	// Attach takes a new pipe in, or refuses it with an error. Messages may come as soon as it is called.
	Attach(p *Pipe) error

	// Detach reports that an attached pipe has ended. unsent are the messages that its link did not take, if Traits ask for
	// them; they belong to the pattern.
	Detach(p *Pipe, unsent []msg.Message)

	// Receive offers a run of messages, in order, and returns how many the pattern took. It owns those. The
	// rest is offered again after the pipe's source has found room.
	Receive(p *Pipe, run []msg.Message) (taken int)

	// Writable says that a pipe which refused a message has room again.
	Writable(p *Pipe)

	// Refuse makes every call of the application, including blocked ones, fail with err. Accepted messages are still sent.
	Refuse(err error)

	// Pending is the number of accepted messages that are in no pipe's queue.
	Pending() int

	// Blocked returns how long calls that send have been blocked for lack of room, those that still are included, and how
	// many were.
	Blocked() (time.Duration, uint64)

	// Close drops and counts the remaining messages, after the last pipe has ended. It returns the number of accepted
	// messages that were not handed to any pipe.
	Close() (lost int)
}

// A Binder is a pattern that needs its socket. Bind is called once, when both are made.
type Binder interface{ Bind(s *Socket) }

// Traits of a pattern.
type Traits struct {
	// Hello names the protocol. Alternatives are the protocols for a peer that the protocol does not suit.
	Hello        transport.Hello
	Alternatives []transport.Hello

	// Reliable and Ordered say what every link must promise.
	Reliable, Ordered bool

	// Replies says that the pattern sends replies. It has one source for each pipe, which is paused while the pipe's send
	// queue is more than half full: no request is received from a peer that does not read its replies, and the peer's own
	// queue fills.
	Replies bool

	// ReturnsUnsent asks for the unwritten messages of a dead pipe.
	ReturnsUnsent bool

	// FlushesEnded asks the engine to send the queue of a pipe whose peer has ended its own direction and may still read. It
	// is for messages that can go to no other peer.
	FlushesEnded bool
}
