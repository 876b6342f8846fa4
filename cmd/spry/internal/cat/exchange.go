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
	receiving, stop := context.WithCancel(ctx)
	received := make(chan error, 1)
	go func() { received <- r.receiveAll(receiving, socket, r.RecvCount) }()
	err := r.sendAll(ctx, socket.Send)
	if err != nil && !errors.Is(err, errNothingToSend) {
		stop()
		<-received
		return err
	}
	err = <-received
	stop()
	return err
}
