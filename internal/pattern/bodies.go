// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"iter"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// A TurnReceiver receives turns: every pattern with an inbox is one.
type TurnReceiver interface {
	RecvTurn(ctx context.Context, t *queue.Taken) (*msg.Message, error)
	GiveBack(rest []*msg.Message)
}

// GiveBack puts messages of one turn that the application has not seen back to the front of their queue.
func (r receiver) GiveBack(rest []*msg.Message) {
	if len(rest) == 0 {
		return
	}
	if p := engine.PipeOf(rest[0]); p != nil {
		p.Unreceive(r.Inbox, rest...)
		return
	}
	for _, m := range rest {
		m.Release()
	}
}

// Bodies yields the bodies of received messages until the socket is closed or the loop ends. If receiving fails, it yields
// the error, as wrap has it, and ends. A turn is taken and released at once, so that a message costs no locked instruction.
// Drain waits for the loop.
func Bodies(ctx context.Context, s *engine.Socket, r TurnReceiver, wrap func(error) error) iter.Seq2[[]byte, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func([]byte, error) bool) {
		var t queue.Taken
		s.Handling(1)
		defer func() { // also where the loop's body panics
			r.GiveBack(t.Rest())
			t.Release()
			s.Handling(-1)
		}()
		for {
			m, err := r.RecvTurn(ctx, &t)
			for err == nil {
				if !yield(m.Bytes(), nil) {
					return
				}
				if !t.More() {
					break
				}
				if err = ctx.Err(); err == nil { // the loop ends with its ctx, even if messages are queued
					m = t.Next()
				}
			}
			if err != nil {
				r.GiveBack(t.Rest()) // before the loop's body hears of the error
				if !errors.Is(err, engine.ErrClosed) {
					yield(nil, wrap(err))
				}
				return
			}
		}
	}
}
