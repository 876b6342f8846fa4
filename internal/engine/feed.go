// SPDX-License-Identifier: MIT

package engine

import (
	"context"

	"github.com/sprymq/spry/internal/scope"
)

// Feed returns a channel of the values that receive returns. The channel is closed when ctx ends, when receive fails, or
// when the socket is closed. A value that was received and not taken by then is given to putBack. Drain waits for it to be
// taken.
func Feed[T any](ctx context.Context, s *Socket, receive func(context.Context) (T, error), putBack func(T)) <-chan T {
	ctx = scope.OrBackground(ctx)
	f := feed[T]{c: make(chan T), receive: receive, putBack: putBack, ended: ctx.Done(), closed: s.scope.Done()}
	s.Handling(1)
	run := func() {
		defer s.Handling(-1)
		defer close(f.c)
		_ = Protect("context", func() error { f.run(ctx); return nil })
	}
	if s.scope.Go(run) != nil {
		s.Handling(-1)
		close(f.c)
	}
	return f.c
}

type feed[T any] struct {
	c             chan T
	receive       func(context.Context) (T, error)
	putBack       func(T)
	ended, closed <-chan struct{}
}

func (f *feed[T]) run(ctx context.Context) {
	for ctx.Err() == nil {
		v, err := f.receive(ctx)
		if err != nil {
			return
		}
		select {
		case f.c <- v:
		case <-f.ended:
			f.putBack(v)
			return
		case <-f.closed:
			f.putBack(v)
			return
		}
	}
}
