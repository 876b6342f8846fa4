// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"net/http"
)

// A Sender is a Push, a Pub or another socket that sends.
type Sender interface {
	Send(ctx context.Context, body []byte) error
}

// Send returns a handler that sends the body of each POST as a message. It answers with 202 when the message is queued: the socket has it
// from then on, and counts what becomes of it. o may be nil.
//
// Without a peer, or without room in the queues of all peers, the answer is 503 when the time is over that the header Spry-Timeout
// names, or Options.Timeout. A Pub does not wait.
func Send(s Sender, o *Options) *Handler {
	return newHandler(o, http.MethodPost, func(x *exchange) error {
		ctx, body, err := x.message(x.options.Timeout)
		if err != nil {
			return err
		}
		if err := s.Send(ctx, body); err != nil {
			return socketError(err, errNoRoom)
		}
		return x.reply(http.StatusAccepted, "", nil)
	})
}

var errNoRoom = &StatusError{http.StatusServiceUnavailable, "no peer has room for the message"}
