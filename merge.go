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
		type item struct {
			m   *Message
			err error
		}
		items := make(chan item)
		var left sync.WaitGroup
		left.Add(len(rs))
		for _, r := range rs {
			_ = receivers.Go(func() {
				defer left.Done()
				for m, err := range messages(ctx, r.RecvMsg) {
					select {
					case items <- item{m, err}:
					case <-ctx.Done():
						dropRest(innerMessages([]*Message{m}))
						return
					}
				}
			})
		}
		_ = receivers.Go(func() {
			left.Wait()
			close(items)
		})
		for it := range items {
			if !yield(it.m, it.err) || it.err != nil {
				return
			}
		}
	}
}
