// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// endGrace is how long delivering and receiving the rest may take after Ctrl-C, and receiving it after --for, if --linger does
// not say otherwise.
const endGrace = time.Second

// A drainer is a socket that can receive what its peers have sent, to the end.
type drainer interface {
	Drain(ctx context.Context) (spry.DrainReport, error)
}

// drainAfter drains the socket, if it can be drained, when working ends. Receiving then continues until the socket is
// closed. The returned function takes the error of the work, waits until draining has ended, and returns an error if
// messages were lost.
func (r *run) drainAfter(ctx, working context.Context) (ended func(workErr error) error) {
	s, ok := r.socket.(drainer)
	if !ok {
		return func(error) error { return nil }
	}
	receiving, stopReceiving := context.WithCancel(context.WithoutCancel(working))
	r.receiving = receiving
	done := make(chan struct{})
	stop := context.AfterFunc(working, func() {
		defer close(done)
		defer stopReceiving() // for commands that make answers
		limited, cancel := r.limited(ctx, endGrace)
		defer cancel()
		r.drained, _ = s.Drain(limited) // the error says the same as the report
	})
	return func(workErr error) error {
		defer stopReceiving()
		if stop() {
			return nil
		}
		<-done
		if workErr == nil || r.RecvCount == 0 || r.drained.Left == 0 && r.drained.Unanswered == 0 {
			return nil // all messages were delivered, or are not wanted
		}
		return exit.Errorf(exit.Partial, "%d received messages were left, and %d requests not answered", r.drained.Left, r.drained.Unanswered)
	}
}

// untilDrained is the context of receiving: that of the work, or, if the socket drains, one that ends later.
func (r *run) untilDrained(ctx context.Context) context.Context {
	if r.receiving != nil {
		return r.receiving
	}
	return ctx
}

// limited bounds the time for the rest: by --linger, or else by grace, where 0 is no limit. A Ctrl-C that comes meanwhile ends it.
func (r *run) limited(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	if r.Linger > 0 {
		grace = r.Linger
	}
	unlimited, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	limited, cancel := within(unlimited, grace)
	stopWatching := func() bool { return false }
	if ctx.Err() == nil {
		stopWatching = context.AfterFunc(ctx, giveUp)
	}
	return limited, func() { stopWatching(); cancel(); giveUp() }
}

// shutDown delivers queued messages and closes the socket: without limit, or as --linger says. After Ctrl-C it takes less
// time.
func (r *run) shutDown(ctx context.Context) error {
	var grace time.Duration
	if ctx.Err() != nil {
		grace = endGrace
	}
	limited, cancel := r.limited(ctx, grace)
	defer cancel()
	if err := r.socket.Shutdown(limited); err != nil {
		return exit.Errorf(exit.Partial, "%w", err)
	}
	return nil
}
