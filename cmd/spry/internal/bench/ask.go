// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/hist"
)

// An asked is the result of the callers of a run.
type asked struct {
	latency hist.Histogram
	took    time.Duration
}

// ask makes callers ask one server, all at once, until the span or ctx ends, which is not an error.
func ask(ctx context.Context, req *spry.Req, size, callers int, part span) (*asked, error) {
	var (
		all    sync.WaitGroup
		each   = make([]hist.Histogram, callers)
		errs   = make([]error, callers)
		begun  atomic.Int64 // round trips, so that all together make no more than they should
		result asked
	)
	asking, fail := context.WithCancel(ctx)
	defer fail()
	start := time.Now()
	for i := range callers {
		all.Go(func() {
			if errs[i] = call(asking, req, size, part, start, &begun, &each[i]); errs[i] != nil {
				fail() // the others need not continue
			}
		})
	}
	all.Wait()
	result.took = time.Since(start)
	for i := range each {
		result.latency.Merge(&each[i])
	}
	return &result, errors.Join(errs...)
}

// call is one of the callers: a request, its reply, the next request.
func call(ctx context.Context, req *spry.Req, size int, part span, start time.Time, begun *atomic.Int64, h *hist.Histogram) error {
	body, m := make([]byte, size), spry.NewMessage(size)
	for last := time.Now(); !part.over(start, begun.Add(1)-1); {
		m.Write(body)
		reply, err := req.DoMsg(ctx, m)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		reply.Release()
		now := time.Now()
		h.Add(now.Sub(last))
		last = now
	}
	return nil
}
