// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"iter"

	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// read yields the messages of a source, as many at a time as are there, until ctx ends, even while the source itself waits for
// input. Messages that were read by then are yielded first. A run is valid until the next iteration.
//
// A read from a terminal cannot be interrupted. The goroutine that is stuck in one when ctx ends is left to the
// end of the process, which is near; it holds nothing but its buffer.
func read(ctx context.Context, s *source.Source) iter.Seq2[[][][]byte, error] {
	if s.Repeatable() {
		return s.Runs() // nothing in it waits
	}
	return func(yield func([][][]byte, error) bool) {
		type item struct {
			run [][][]byte
			err error
		}
		left, leave := context.WithCancel(context.Background())
		defer leave()
		items, used := make(chan item), make(chan struct{})
		go func() {
			defer close(items)
			for run, err := range s.Runs() {
				select {
				case items <- item{run, err}:
				case <-left.Done():
					return
				}
				select {
				case <-used:
				case <-left.Done():
					return
				}
			}
		}()
		for {
			next, more, ended := item{}, false, false
			select {
			case next, more = <-items:
			case <-ctx.Done():
				select {
				case next, more = <-items:
				default:
					ended = true
				}
			}
			switch {
			case ended:
				yield(nil, ctx.Err())
				return
			case !more || !yield(next.run, next.err):
				return
			}
			used <- struct{}{}
		}
	}
}
