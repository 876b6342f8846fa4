// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"iter"
	"sync"

	"github.com/sprymq/spry/internal/scope"
)

// Merge yields messages of several sockets, fairly: with all of them busy, none is more than one message ahead of
// another. It ends when all are closed, when ctx ends, whose error it yields, once, or when the loop is left. What was
// received and not yielded then, at most one message of each socket, is dropped and counted under the reason closed.
func Merge(ctx context.Context, rs ...Receiver) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		receivers := scope.New()
		defer receivers.Close(nil)
		defer cancel()
		received := make(chan *Message)
		failed := make(chan error, len(rs)) // beside what is received: the end of ctx is told even though all give up at it
		var left sync.WaitGroup
		left.Add(len(rs))
		for _, r := range rs {
			_ = receivers.Go(func() {
				defer left.Done()
				for m, err := range messages(ctx, r.RecvMsg) {
					if err != nil {
						failed <- err
						cancel()
						return
					}
					select {
					case received <- m:
					case <-ctx.Done():
						failed <- opErr("recv", ctx.Err())
						dropRest(innerMessages([]*Message{m}))
						return
					}
				}
			})
		}
		_ = receivers.Go(func() {
			left.Wait()
			close(received)
		})
		for m := range received {
			if !yield(m, nil) {
				return
			}
		}
		select {
		case err := <-failed: // the first; those that cancel brought about came later
			yield(nil, err)
		default: // all are closed
		}
	}
}
