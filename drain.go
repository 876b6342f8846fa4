// SPDX-License-Identifier: MIT

package spry

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/scope"
)

// A DrainReport counts received messages and requests from the call of Drain on. A message for several subscriptions is
// counted once for each.
type DrainReport struct {
	// Delivered is the number of messages delivered to receiving calls, loops or handlers.
	Delivered uint64 `json:"delivered"`

	// Left is the number of messages that were received and not delivered. They were dropped, and are counted as closed.
	Left uint64 `json:"left"`

	// Unanswered is the number of delivered requests that were neither replied to nor discarded, on connections that still
	// lived. It is 0 for sockets that do not reply.
	Unanswered int `json:"unanswered"`

	// Cut is the number of connections that were closed before their peers had ended them. Data that such a peer had sent
	// and this end had not received is lost.
	Cut int `json:"cut"`
}

// draining has the method Drain. It is embedded, never used by itself.
type draining struct{ socket *engine.Socket }

// Drain receives everything that the peers have sent, and closes the socket. Receiving calls, loops over Messages or
// Requests, and Serve continue meanwhile, and end when everything is delivered: as after Close, calls fail with [ErrClosed],
// loops end without an error.
//
//   - No new connections are accepted or dialed, and sending fails with [ErrClosed].
//   - Each peer is asked to stop sending: this end closes its direction of the connection, after its queue for the peer is
//     written. Sockets that reply first wait until every request received before Drain was replied to or discarded.
//     A request that is never replied to must be discarded, or Drain waits for it until ctx ends.
//   - Messages that still arrive are delivered, until the peer has closed its direction too. A peer of this library does so at once,
//     and sends its unwritten messages on another connection; a Pair, which has no other, sends its queue.
//     Requests that arrive now can be executed but not answered: a [Req] sends them again elsewhere.
//   - A connection that cannot close one direction alone, because it has no CloseWrite, such as a [net.Pipe], is closed at
//     once. Data that its peer had sent and this end had not read is lost; the peer counts it as unknown.
//   - When everything is delivered and the handlers have returned, the socket is closed.
//
// If ctx ends first, the socket is closed at once: remaining messages are dropped and counted, and the error, which wraps
// ctx's, says how many. If the socket is closed before or meanwhile, Drain fails with ErrClosed. A receiver, such as a
// handler, must not call Drain with a ctx that does not end, because Drain waits for it. Further calls wait for the first,
// until their own ctx ends, and return the same.
func (d *draining) Drain(ctx context.Context) (DrainReport, error) {
	r, err := d.socket.Drain(scope.OrBackground(ctx))
	return DrainReport(r), opErr("drain", err)
}
