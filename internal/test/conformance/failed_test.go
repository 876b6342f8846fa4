// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

var errOdd = errors.New("the number is odd")

// half is a handler's function that fails for odd numbers.
func half(_ context.Context, n int) (int, error) {
	if n%2 != 0 {
		return 0, errOdd
	}
	return n / 2, nil
}

// A request that cannot be decoded, and one whose handler returns an error, are counted, logged, and reported to Events and
// Trace. Others are answered meanwhile.
func TestFailedRequestsAreReported(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		var book logBook
		var traced atomic.Int64
		o := l.options
		o.Logger = slog.New(slog.NewTextHandler(&book, nil))
		o.Trace = func(e spry.Event) {
			if e.Kind == spry.EventRequestFailed {
				traced.Add(1)
			}
		}
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: o})
		events := rep.Events(ctx)
		l.join(t, req, rep)
		served := make(chan error, 1)
		go func() { served <- rep.Serve(ctx, 1, spry.HandleTyped(half)) }()
		var calls []*spry.Call
		for _, bad := range []string{"three", "3"} {
			c, err := req.Start(spry.WrapMessage([]byte(bad), nil))
			testkit.Check(t, err)
			calls = append(calls, c)
		}
		if n, err := spry.NewCaller[int, int](req).Call(ctx, 8); n != 4 || err != nil {
			t.Errorf("half of 8 is %v, %v", n, err)
		}
		if st := rep.Stats(); st.Failed != 2 || st.Panics != 0 {
			t.Errorf("%d failed requests are counted and %d panics, want 2 and 0", st.Failed, st.Panics)
		}
		for _, c := range calls {
			c.Cancel()
		}
		r, err := rep.Drain(ctx)
		if err != nil || r.Unanswered != 0 {
			t.Errorf("Drain: %d unanswered requests, %v", r.Unanswered, err)
		}
		testkit.Check(t, <-served)
		testkit.Shut(t, req, rep)
		var failures []spry.Event
		for e := range events {
			if e.Kind == spry.EventRequestFailed {
				failures = append(failures, e)
			}
		}
		if len(failures) != 2 || !strings.Contains(failures[0].Err.Error(), "decode int") || !errors.Is(failures[1].Err, errOdd) {
			t.Fatalf("the events of failed requests: %+v", failures)
		}
		for _, e := range failures {
			if e.Pipe == nil || e.Endpoint == nil && !l.attached || e.Kind.String() != "request_failed" {
				t.Errorf("the event of a failed request: %+v", e)
			}
		}
		testkit.Eventually(t, "each is in the log and traced", func() bool {
			lines, _ := book.of("spry request_failed")
			return lines == 2 && traced.Load() == 2
		})
	})
}

// Fail counts a request once, and only if it is not answered. A nil error leaves the request open.
func TestFailCountsOnce(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	for range 3 {
		_, err := req.Start(spry.NewMessage(0))
		testkit.Check(t, err)
	}
	next := func() *spry.Request {
		r, err := rep.Recv(ctx)
		testkit.Check(t, err)
		return r
	}
	answered, discarded, failed := next(), next(), next()
	answered.Fail(nil)
	testkit.Check(t, answered.Reply(ctx, nil))
	answered.Fail(errOdd)
	discarded.Discard()
	discarded.Fail(errOdd)
	if n := rep.Stats().Failed; n != 0 {
		t.Errorf("%d failed requests are counted, none has failed", n)
	}
	failed.Fail(errOdd)
	failed.Fail(errOdd)
	testkit.Wants(t, failed.Reply(ctx, nil), spry.ErrReplied)
	if n := rep.Stats().Failed; n != 1 {
		t.Errorf("%d failed requests are counted, want 1", n)
	}
	testkit.Shut(t, req, rep)
}

// Typed calls and handlers without what they need say so.
func TestTypedWithoutItsParts(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	_, err := spry.NewCaller[int, int](nil).Call(ctx, 1)
	testkit.Wants(t, err, spry.ErrConfig, "Req is nil")

	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	call, err := req.Start(spry.NewMessage(0))
	testkit.Check(t, err)
	r, err := rep.Recv(ctx)
	testkit.Check(t, err)
	spry.TypedHandler[int, int]{}.Handle(ctx, r)
	if st := rep.Stats(); st.Failed != 1 {
		t.Errorf("%d failed requests are counted, want 1", st.Failed)
	}
	call.Cancel()
	testkit.Shut(t, req, rep)
}

// Codecs that are set are used, in both directions.
func TestCodecsOfOnesOwn(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	served := make(chan error, 1)
	shout := spry.TypedHandler[string, string]{
		Func:    func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil },
		Request: text{}, Reply: text{},
	}
	go func() { served <- rep.Serve(ctx, 1, shout) }()
	caller := spry.NewCaller[string, string](req)
	caller.Request, caller.Reply = text{}, text{}
	if s, err := caller.Call(ctx, `no "JSON"`); s != `NO "JSON"` || err != nil {
		t.Errorf("the reply is %q, %v", s, err)
	}
	testkit.Shut(t, req, rep)
	testkit.Check(t, <-served)
}
