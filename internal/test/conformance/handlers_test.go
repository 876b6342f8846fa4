// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A handler that panics costs its own request, and is counted and told.
func TestHandlerPanics(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		events := rep.Events(ctx)
		l.join(t, req, rep)
		served := make(chan error, 1)
		go func() {
			served <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
				if string(r.Bytes()) == "boom" {
					panic("a test's panic")
				}
				testkit.Check(t, r.Reply(ctx, r.Bytes()))
			}))
		}()
		call, err := req.Start(spry.WrapMessage([]byte("boom"), nil))
		testkit.Check(t, err)
		reply, err := req.Do(ctx, []byte("still there?"))
		testkit.Check(t, err)
		if string(reply) != "still there?" {
			t.Errorf("reply %q", reply)
		}
		call.Cancel()
		if n := rep.Stats().Panics; n != 1 {
			t.Errorf("%d panics are counted, want 1", n)
		}
		testkit.Shut(t, req, rep)
		testkit.Check(t, <-served)
		panics := 0
		for e := range events {
			if e.Kind == spry.EventPanic {
				panics++
				if e.Reason != "" || e.Err == nil || !strings.Contains(e.Err.Error(), "Handler panicked") {
					t.Errorf("the event of a panic: %+v", e)
				}
			}
		}
		if panics != 1 {
			t.Errorf("%d events of a panic, want 1", panics)
		}
	})
}

// Handle goes on while all its workers are within their handlers.
func TestHandleOutlivesBusyWorkers(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	testkit.ListenAt(t, rep, "inproc://one")
	served := make(chan error, 1)
	go func() {
		served <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			if err := ctx.Err(); err != nil {
				t.Errorf("the handler's context has ended: %v", err)
			}
			testkit.Check(t, r.Reply(ctx, r.Bytes()))
		}))
	}()
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err := req.Dial(ctx, "inproc://one")
	testkit.Check(t, err)
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for range 100 {
				if _, err := req.Do(ctx, []byte("x")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	testkit.Check(t, req.Close())
	testkit.Check(t, rep.Close())
	testkit.Check(t, <-served)
}

// Handle ends with its context even while requests keep coming.
func TestHandleEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	defer rep.Close()
	testkit.ListenAt(t, rep, "inproc://busy")
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	defer req.Close()
	_, err := req.Dial(ctx, "inproc://busy")
	testkit.Check(t, err)
	for range 100 {
		_, err := req.Start(spry.WrapMessage([]byte("x"), nil))
		testkit.Check(t, err)
	}
	within, cancel := context.WithCancel(ctx)
	handled := 0
	err = rep.Serve(within, 1, spry.HandlerFunc(func(context.Context, *spry.Request) {
		handled++
		cancel()
	}))

	if !errors.Is(err, context.Canceled) || handled != 1 {
		t.Errorf("Handle: %v after %d requests, want its context's end after 1", err, handled)
	}
}
