// SPDX-License-Identifier: MIT

package spry

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/scope"
)

// A DrainReport says what became of received messages from the call of Drain on. A message for several subscriptions is
// counted once for each.
type DrainReport struct {
	// Delivered is the number of messages that receiving calls, loops or handlers have taken.
	Delivered uint64 `json:"delivered"`

	// Left is the number of messages that were received and not taken. They were dropped, and are counted as closed.
	Left uint64 `json:"left"`

	// Unanswered is the number of requests that were taken from connections that still lived, and neither replied to nor
	// discarded. It is 0 for sockets that do not reply.
	Unanswered int `json:"unanswered"`

	// Cut is the number of connections that were closed before their peers had ended them. What such a peer had sent and
	// this end had not received is lost.
	Cut int `json:"cut"`
}

// draining is the verb of sockets that can be drained. It is embedded, never used by itself.
type draining struct{ socket *engine.Socket }

// Drain receives what the peers have sent, to the end, and closes the socket. Receiving calls, loops over Messages or
// Requests, and Serve go on meanwhile, and end when everything is taken: as after Close, calls fail with [ErrClosed], loops
// end without an error.
//
//   - No new connections are accepted or dialed, and sending fails with [ErrClosed].
//   - Each peer is told to send no more, by the end of this end's direction of the connection: after what was queued for
//     it is written, and, on sockets that reply, after every request received before Drain was replied to or discarded.
//     A request that is never replied to must be discarded, or Drain waits for it until ctx ends.
//   - What still arrives is delivered, until the peer has ended its direction too. A peer of this library does so at once,
//     and sends what it has not written by another connection; a Pair, which has no other, sends what it had queued.
//     Requests that arrive now can be executed but not answered: a [Req] sends them again elsewhere.
//   - A connection that cannot end one direction alone, because it has no CloseWrite, such as a [net.Pipe], is closed at
//     once. What its peer had sent and this end had not read is lost; the peer counts what it sent there as unknown.
//   - When everything was taken and the handlers have returned, the socket is closed.
//
// If ctx ends first, the socket is closed at once: what is left is dropped and counted, and the error, which wraps ctx's,
// says how much that is. If the socket is closed meanwhile, Drain fails with ErrClosed. Nobody who has to receive for Drain to
// proceed, such as a handler, may call it with a ctx that does not end. Further calls wait for the first and return the same.
func (d *draining) Drain(ctx context.Context) (DrainReport, error) {
	r, err := d.socket.Drain(scope.OrBackground(ctx))
	return DrainReport(r), opErr("drain", err)
}
