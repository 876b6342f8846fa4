// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
	"github.com/sprymq/spry/zmq"
)

// A readiness waits, before the first message, for more than a connection: that the message has somewhere to go.
type readiness func(ctx context.Context, first [][]byte) error

// awaitReady waits before the first message.
func (r *run) awaitReady(ctx context.Context, first [][]byte) error {
	ready := r.ready
	if r.ready = nil; ready == nil {
		return nil
	}
	return ready(ctx, first)
}

// subscriptionGrace is how long the first message waits for a subscriber. ZeroMQ peers send their topics right after the
// handshake: a peer that has not subscribed by then does not want the message.
const subscriptionGrace = time.Second

// wanted waits, for a time, until enough peers want the topic of the first message, its first frame.
func (r *run) wanted(wait func(ctx context.Context, topic string, n int) error) readiness {
	return func(ctx context.Context, first [][]byte) error {
		waiting, cancel := context.WithTimeout(ctx, subscriptionGrace)
		defer cancel()
		err := wait(waiting, string(first[0]), max(r.Peers, 1))
		if errors.Is(err, context.DeadlineExceeded) {
			return ctx.Err()
		}
		return err
	}
}

// known waits until a router has the peer that messages are for.
func (r *run) known(s *zmq.Router, identity string) readiness {
	const interval = 2 * time.Millisecond
	return func(ctx context.Context, _ [][]byte) error {
		waiting, cancel := within(ctx, r.ConnectTimeout)
		defer cancel()
		missing := fmt.Sprintf("no peer has identity %q so far", identity)
		r.waitsFor.Store(&missing)
		defer r.waitsFor.Store(nil)
		for s.Pipe(identity) == nil {
			if err := wait.For(waiting, interval); err != nil {
				if ctx.Err() == nil {
					return exit.Errorf(exit.NoPeer, "no peer has identity %q within %s%s", identity, r.ConnectTimeout, r.Endpoints.Trouble())
				}
				return err
			}
		}
		return nil
	}
}
