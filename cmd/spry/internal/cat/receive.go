// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"

	"github.com/sprymq/spry"
)

// receivedAtOnce is the number of messages that are printed together, if as many are there.
const receivedAtOnce = 64

// A receiver receives messages, as many as are there.
type receiver interface {
	spry.Receiver
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
}

// receiveAll prints messages until limit of them came; 0 or less is no limit. It ends with ctx, or when the socket is closed.
func (r *run) receiveAll(ctx context.Context, from receiver, limit int64) error {
	var batch [receivedAtOnce]*spry.Message
	for n := int64(0); limit <= 0 || n < limit; {
		room := batch[:]
		if limit > 0 {
			room = room[:min(limit-n, receivedAtOnce)]
		}
		got, err := r.receive(ctx, from, room)
		if r.timedOut(ctx, err) {
			return r.silence(limit > 0)
		}
		if err != nil {
			return err
		}
		if err := r.print(room[:got]...); err != nil {
			return err
		}
		spry.ReleaseMessages(room[:got])
		n += int64(got)
	}
	return nil
}

func (r *run) receive(ctx context.Context, from receiver, room []*spry.Message) (int, error) {
	receiving, cancel := within(ctx, r.RecvTimeout)
	defer cancel()
	return from.RecvBatch(receiving, room)
}

// timedOut reports whether an error means that --recv-timeout passed.
func (r *run) timedOut(ctx context.Context, err error) bool {
	return r.RecvTimeout > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
}

// silence ends a run in which nothing came for --recv-timeout. That is the way to say "until it is quiet", and an
// error only if nothing came at all, or not as much as was asked for.
func (r *run) silence(wantedMore bool) error {
	if r.received.Load() > 0 && !wantedMore {
		return nil
	}
	return r.incomplete("nothing came for %s%s", r.RecvTimeout, r.Endpoints.Trouble())
}
