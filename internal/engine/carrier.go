// SPDX-License-Identifier: MIT

package engine

import "github.com/sprymq/spry/internal/msg"

// A carrier moves a pipe's messages over its kind of link: a stream of bytes, a link of whole messages, or
// within the process. It is where dialect and link meet; the rest of the engine knows neither.
//
// A carrier holds two runs of messages: pending ones, and those in flight, which a write has begun with.
type carrier interface {
	// Under the outbox's lock.

	// put takes a message (see [Pipe.TrySend]) and returns its cost: what the queue is charged for it.
	put(header, body []byte, m *msg.Message) int
	// pending is the number of messages that are not in flight.
	pending() int
	// drop takes the first pending message out and returns its cost.
	drop() int
	// take makes pending messages those in flight, if none are. It reports whether any are in flight.
	take() bool
	// midway reports whether something other than a message was begun and is not wholly written.
	midway() bool
	// unsent returns the messages that were not wholly taken by the link, and forgets them.
	unsent() []msg.Message
	// discard forgets everything and gives memory back.
	discard()

	// With the writer's role, without the lock.

	// write hands what is in flight to the link and returns how many messages left for good, and their cost. With wait
	// false it must not block; if it returns less than everything then, wait is needed.
	write(wait bool) (messages int, cost int64, err error)
	// direct reports whether write(false) is possible.
	direct() bool
	// eager reports whether write(false) is possible and, now, worth while.
	eager() bool
	// stuck reports, under the outbox's lock, whether the writer should give up its role with messages left:
	// resume brings somebody back to them.
	stuck() bool
	// idle is called when the writer's role is given up.
	idle()
	// closeWrite ends the outgoing direction in an orderly way.
	closeWrite() error
	// confirmed reports whether everything that was written is known to have arrived at the peer's machine. It is asked
	// when the pipe ends; ended says that this end ended its direction in an orderly way, and then the peer.
	confirmed(ended bool) bool

	// By the pipe's reader.

	// read receives until the link ends, and returns why; io.EOF is the peer's orderly end.
	read() error
	// resume is called when the pattern has room after having refused messages.
	resume()

	// By anybody, at any time.

	// expire makes a reader that waits for the link give up soon.
	expire()
	// close ends the link.
	close() error
}
