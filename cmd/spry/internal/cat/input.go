// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"iter"

	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// read yields the messages of a source until ctx ends, even while the source itself waits for input.
//
// A read from a terminal cannot be interrupted. The goroutine that is stuck in one when ctx ends is left to the
// end of the process, which is near; it holds nothing but its buffer.
func read(ctx context.Context, s *source.Source) iter.Seq2[[][]byte, error] {
	if s.Repeatable() {
		return s.All() // nothing in it waits
	}
	return func(yield func([][]byte, error) bool) {
		type item struct {
			frames [][]byte
			err    error
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		items := make(chan item)
		go func() {
			defer close(items)
			for frames, err := range s.All() {
				select {
				case items <- item{frames, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			select {
			case item, more := <-items:
				if !more || !yield(item.frames, item.err) {
					return
				}
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}
