// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

// noReply is what a request without a limit waits for.
var noReply = "no reply so far; --recv-timeout TIME limits the wait"

// ask sends requests one after the other and prints the replies.
func (r *run) ask(ctx context.Context, req *spry.Req) error {
	r.asks = true
	return r.sendAll(ctx, way{one: func(ctx context.Context, frames [][]byte) error {
		asking, cancel := within(ctx, r.RecvTimeout)
		defer cancel()
		if r.RecvTimeout == 0 {
			r.waitsFor.Store(&noReply)
		}
		reply, err := req.DoMsg(asking, zmq.NewMessage(frames...))
		if r.timedOut(ctx, err) {
			return r.incomplete("no reply within %s%s", r.RecvTimeout, r.Endpoints.Trouble())
		}
		if err != nil {
			return err
		}
		return r.print(reply)
	}})
}

// survey sends a question to all peers and prints the answers that arrive before the deadline.
func (r *run) survey(ctx context.Context, surveyor *spry.Surveyor) error {
	r.asks = true
	err := r.sendAll(ctx, way{one: func(ctx context.Context, frames [][]byte) error {
		if len(frames) != 1 {
			return exit.Errorf(exit.Usage, "survey: %w", spry.ErrMultipart)
		}
		asking, cancel := within(ctx, r.RecvTimeout)
		defer cancel()
		answers := int64(0)
		for m, err := range surveyor.Survey(asking, frames[0]) {
			if r.timedOut(ctx, err) {
				break // as if the survey's own deadline had passed
			}
			if err != nil {
				return err
			}
			if err := r.print(m); err != nil {
				return err
			}
			if answers++; r.Answers > 0 && answers >= r.Answers {
				break
			}
		}
		if answers < max(r.Answers, 1) {
			r.failed.Add(1)
		}
		return nil
	}})
	if failed := r.failed.Load(); err == nil && failed > 0 {
		return r.unanswered(failed)
	}
	return err
}

// unanswered is the error of surveys that got fewer answers than wanted.
func (r *run) unanswered(failed int64) error {
	if r.received.Load() == 0 {
		return exit.Errorf(exit.NoPeer, "no answers within the deadline")
	}
	return exit.Errorf(exit.Partial, "too few answers to %d of %d surveys", failed, r.sent.Load())
}
