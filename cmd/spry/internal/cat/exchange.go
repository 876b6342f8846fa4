// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"

	"github.com/sprymq/spry"
)

// twoWay is a socket that sends and receives.
type twoWay interface {
	spry.Receiver
	Send(ctx context.Context, body []byte) error
}

// exchange sends the source and prints what comes, at the same time: for pair and bus. It goes on receiving after
// the last message was sent.
func (r *run) exchange(ctx context.Context, socket twoWay) error {
	if r.Source.Empty() {
		return r.receiveAll(ctx, socket, r.Count)
	}
	if r.RecvCount == 0 {
		return r.sendAll(ctx, socket.Send)
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	received := make(chan error, 1)
	go func() {
		err := r.receiveAll(working, socket, r.RecvCount)
		if r.again() && r.Count == 0 {
			stop() // what is sent for ever ends with the receiving
		}
		received <- err
	}()
	sendErr := r.sendAll(working, socket.Send)
	switch {
	case sendErr == nil, errors.Is(sendErr, errNothingToSend):
		return <-received
	case working.Err() != nil && ctx.Err() == nil:
		return <-received // it was stopped by the other
	}
	stop()
	if err := <-received; err != nil && !errors.Is(err, context.Canceled) {
		sendErr = errors.Join(sendErr, err)
	}
	return sendErr
}
