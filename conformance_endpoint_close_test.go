// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// A closed listener takes its pipes with it and leaves the socket's others alone.
func TestEndpointClosesItsPipes(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		w.options.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour}
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		stays, goes := w.listen(t, pull), w.listen(t, pull)
		a, b := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPush(&spry.PushOptions{Options: w.options})
		dialTo(t, a, stays)
		d := dialTo(t, b, goes)
		var left *spry.Pipe
		for p := range d.Pipes() {
			left = p
		}
		check(t, pull.WaitPipes(watchdog(t), 2))
		check(t, goes.Close())
		<-left.Done()
		if err := left.Err(); !errors.Is(err, io.EOF) {
			t.Errorf("the peer's pipe ended with %v, want its orderly end", err)
		}
		carry(t, a, pull)
		if s := pull.Stats(); len(s.Endpoints) != 1 || s.Endpoints[0].URL != stays.URL() {
			t.Errorf("the socket's endpoints are %+v", s.Endpoints)
		}
		ctx, cancel := context.WithTimeout(watchdog(t), 10*time.Millisecond)
		defer cancel()
		if err := b.Send(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Send without a pipe: %v, want its deadline", err)
		}
		shut(t, a, b, pull)
	})
}
