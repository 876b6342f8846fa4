// SPDX-License-Identifier: MIT

package engine

// A carrier moves a pipe's messages over its kind of link: a stream of bytes, a link of whole messages, or a pipe in
// process. It writes the messages in flight of the pipe's send queue, which it shares with the outbox.
type carrier interface {
	// With the writer's role, without the lock.

	// write passes the messages in flight to the link and returns how many have left, and their cost. With wait false it
	// must not block; if it returns less than everything then, wait is needed.
	write(wait bool) (messages int, cost int64, err error)
	// direct reports whether write(false) is possible.
	direct() bool
	// eager reports whether write(false) is possible and, now, worth while for that many queued messages.
	eager(queued int) bool
	// closeWrite ends the outgoing direction in an orderly way.
	closeWrite() error
	// confirmed reports whether all written data is known to have arrived at the peer's machine. It is called when the pipe
	// ends; ended says that this end ended its direction in an orderly way, and then the peer.
	confirmed(ended bool) bool

	// Under the outbox's lock, with the writer's role.

	// stuck reports whether the writer should give up its role with messages left: resume starts a writer for them later.
	stuck() bool

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
