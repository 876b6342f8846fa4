// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"

	"github.com/sprymq/spry"
)

// exchange sends the source and prints what comes, at the same time. It goes on receiving after the last message was sent.
func (r *run) exchange(ctx context.Context, from spry.Receiver, send sendFunc) error {
	switch {
	case r.RecvCount == 0:
		return r.sendAll(ctx, send)
	case r.Source.Empty() && r.RecvCount < 0:
		return r.receiveAll(ctx, from, r.Count)
	case r.Source.Empty():
		return r.receiveAll(ctx, from, r.RecvCount)
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	received := make(chan error, 1)
	go func() {
		err := r.receiveAll(working, from, r.RecvCount)
		if r.again() && r.Count == 0 {
			stop() // what is sent for ever ends with the receiving
		}
		received <- err
	}()
	sendErr := r.sendAll(working, send)
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
