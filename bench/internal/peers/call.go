// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"io"

	"github.com/sprymq/spry/bench/internal/worker"
)

// A caller is a connection of a library for remote calls.
type caller struct {
	call func(ctx context.Context, in, out *[]byte) error
	io.Closer
}

// A callAsker makes calls, perhaps over a connection that it shares.
type callAsker struct {
	caller
	body, reply []byte
}

func newCallAsker(s worker.Settings, dial func(worker.Settings) (caller, error)) (*callAsker, error) {
	c, err := dial(s)
	return &callAsker{caller: c, body: worker.Body(s.Size)}, err
}

func callAskers(s worker.Settings, dial func(worker.Settings) (caller, error)) ([]worker.Asker, error) {
	all := make([]worker.Asker, s.Calls)
	var shared *callAsker
	for i := range all {
		if s.Shape != "conns" && shared != nil {
			all[i] = &callAsker{caller: caller{shared.call, worker.Closers{}}, body: shared.body}
			continue
		}
		a, err := newCallAsker(s, dial)
		if err != nil {
			return nil, err
		}
		all[i], shared = a, a
	}
	return all, nil
}

func (a *callAsker) Ask() error { return a.call(context.Background(), &a.body, &a.reply) }
