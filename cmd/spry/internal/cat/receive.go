// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"

	"github.com/sprymq/spry"
)

// receiveAll prints messages until limit of them came; 0 or less is no limit. It ends with ctx, or when the socket is closed.
func (r *run) receiveAll(ctx context.Context, from spry.Receiver, limit int64) error {
	for n := int64(0); limit <= 0 || n < limit; n++ {
		m, err := r.receiveOne(ctx, from)
		if r.timedOut(ctx, err) {
			return r.silence(limit > 0)
		}
		if err != nil {
			return err
		}
		if err := r.print(m); err != nil {
			return err
		}
		m.Release()
	}
	return nil
}

func (r *run) receiveOne(ctx context.Context, from spry.Receiver) (*spry.Message, error) {
	receiving, cancel := within(ctx, r.RecvTimeout)
	defer cancel()
	return from.RecvMsg(receiving)
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
