// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// T32: every callback may close its socket, over every link.
func TestCallbacksMayClose(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		t.Run("Handler", func(t *testing.T) {
			req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options, FailFast: true}), spry.NewRep(&spry.RepOptions{Options: l.options})
			l.join(t, req, rep)
			closed, handled := make(chan error, 1), make(chan error, 1)
			go func() {
				handled <- rep.Serve(ctx, 2, spry.HandlerFunc(func(context.Context, *spry.Request) { closed <- rep.Close() }))
			}()
			if _, err := req.Do(ctx, nil); !errors.Is(err, spry.ErrPipeClosed) {
				t.Errorf("a request to a socket that closes: %v, want ErrPipeClosed", err)
			}
			testkit.Check(t, returned(ctx, closed))
			testkit.Check(t, returned(ctx, handled))
			testkit.Shut(t, req, rep)
		})
		t.Run("Trace", func(t *testing.T) {
			closed, o := make(chan error, 1), l.options
			var pull *spry.Pull
			made := make(chan struct{})
			o.Trace = func(e spry.Event) {
				if e.Kind == spry.EventPipeUp {
					<-made
					closed <- pull.Close()
				}
			}
			pull = spry.NewPull(&spry.PullOptions{Options: o})
			close(made)
			push := spry.NewPush(&spry.PushOptions{Options: l.options})
			l.tryJoin(t, push, pull)
			testkit.Check(t, returned(ctx, closed))
			testkit.Shut(t, push, pull)
		})
		for _, closes := range []string{"listener", "dialer"} {
			t.Run("Authorize that closes the "+closes, func(t *testing.T) {
				closed, o := make(chan error, 8), l.options
				ends := map[string]testkit.Attacher{"dialer": spry.NewPush(&spry.PushOptions{Options: l.options})}
				o.Authorize = func(context.Context, *spry.Pipe) error { closed <- ends[closes].Close(); return nil }
				ends["listener"] = spry.NewPull(&spry.PullOptions{Options: o})
				l.tryJoin(t, ends["dialer"], ends["listener"])
				testkit.Check(t, returned(ctx, closed))
				testkit.Shut(t, ends["dialer"], ends["listener"])
			})
		}
		t.Run("release", func(t *testing.T) {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			closed := make(chan error, 1)
			// A release runs wherever the last reference goes: in the sender's own call, in the writer, or in the receiver.
			testkit.Check(t, push.SendMsg(ctx, spry.WrapMessage(make([]byte, 1<<20), func() { go func() { closed <- push.Close() }() })))
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			m.Release()
			testkit.Check(t, returned(ctx, closed))
			testkit.Shut(t, push, pull)
		})
		t.Run("events", func(t *testing.T) {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			events := pull.Events(ctx)
			l.join(t, push, pull)
			for e := range events {
				if e.Kind == spry.EventPipeUp {
					testkit.Check(t, pull.Close())
				}
			}
			testkit.Shut(t, push, pull)
		})
	})
}

// A callback that panics takes nothing with it, and is counted.
func TestAuthorizeThatPanicsRefuses(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		o := w.options
		o.Authorize = func(context.Context, *spry.Pipe) error { panic("of Authorize") }
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		e := w.listen(t, pull)
		w.options.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour}
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		_, _ = push.DialWith(testkit.Watchdog(t), testkit.DialerTo(e))
		testkit.Eventually(t, "it counts as refused", func() bool {
			s := pull.Stats()
			return s.Panics == 1 && s.Rejected["refused"] == 1 && len(s.Pipes) == 0
		})
		testkit.Shut(t, push, pull)
	})
}
