// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"
)

// exchange sends the source and prints received messages, at the same time. It keeps receiving after the last message was
// sent.
func (r *run) exchange(ctx context.Context, from receiver, to way) error {
	untilDrained := r.untilDrained(ctx)
	switch {
	case r.RecvCount == 0:
		return r.sendAll(ctx, to)
	case r.Source.Empty() && r.RecvCount < 0:
		return r.receiveAll(untilDrained, from, r.Count)
	case r.Source.Empty():
		return r.receiveAll(untilDrained, from, r.RecvCount)
	}
	sending, stopSending := context.WithCancel(ctx)
	defer stopSending()
	receiving, stopReceiving := context.WithCancel(untilDrained)
	defer stopReceiving()
	received := make(chan error, 1)
	go func() {
		err := r.receiveAll(receiving, from, r.RecvCount)
		if r.again() && r.Count == 0 {
			stopSending() // endless sending ends with the receiving
		}
		received <- err
	}()
	sendErr := r.sendAll(sending, to)
	switch {
	case sendErr == nil, errors.Is(sendErr, errNothingToSend):
		return <-received
	case ctx.Err() == nil && sending.Err() != nil:
		return <-received // it was stopped by the other
	case ctx.Err() != nil && untilDrained.Err() == nil:
		return <-received // the peers send no more
	}
	stopReceiving()
	if err := <-received; err != nil && !errors.Is(err, context.Canceled) {
		sendErr = errors.Join(sendErr, err)
	}
	return sendErr
}
