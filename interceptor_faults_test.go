// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// An interceptor that keeps the error of a receive for itself does not make it go on for ever.
func TestInterceptorsMayKeepErrors(t *testing.T) {
	deaf := spry.InterceptorFuncs{Recv: func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error {
			_ = next(ctx, o)
			return nil
		}
	}}
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Interceptors: []spry.Interceptor{deaf}}})
	testkit.Check(t, pull.Close())
	if _, err := pull.Recv(t.Context()); !errors.Is(err, spry.ErrClosed) {
		t.Error(err)
	}
	if _, err := pull.TryRecvMsg(); err == nil {
		t.Error("a message of a closed socket")
	}
}

// A request that an interceptor has answered itself does not reach the application.
func TestInterceptorsMayReply(t *testing.T) {
	deny := spry.InterceptorFuncs{Recv: func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error {
			err := next(ctx, o)
			for _, m := range o.Messages() {
				if string(m.Bytes()) == "bad" {
					testkit.Check(t, m.Request().Reply(ctx, []byte("denied")))
				}
			}
			return err
		}
	}}
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Interceptors: []spry.Interceptor{deny}}})
	req := spry.NewReq(nil)
	testkit.CloseAll(t, req, rep)
	_, err := rep.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	_, err = req.Dial(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	ctx := testkit.Watchdog(t)
	for _, receive := range []func() (*spry.Request, error){
		func() (*spry.Request, error) { return rep.Recv(ctx) },
		func() (*spry.Request, error) {
			dst := make([]*spry.Request, 4)
			_, err := rep.RecvBatch(ctx, dst)
			return dst[0], err
		},
	} {
		bad, err := req.Start(spry.WrapMessage([]byte("bad"), nil))
		testkit.Check(t, err)
		good, err := req.Start(spry.WrapMessage([]byte("good"), nil))
		testkit.Check(t, err)
		r, err := receive()
		testkit.Check(t, err)
		if r == nil || string(r.Bytes()) != "good" {
			t.Fatalf("received %v", r)
		}
		testkit.Check(t, r.Reply(ctx, []byte("fine")))
		for call, want := range map[*spry.Call]string{bad: "denied", good: "fine"} {
			if m, err := call.Wait(ctx); err != nil || string(m.Bytes()) != want {
				t.Errorf("%v, %v, want %s", m, err, want)
			}
		}
	}
}

// A reply that an interceptor keeps leaves no request open, for which a drain would wait.
func TestInterceptorsMayKeepReplies(t *testing.T) {
	keep := spry.InterceptorFuncs{Send: func(spry.OperationFunc) spry.OperationFunc {
		return func(context.Context, *spry.Operation) error { return nil }
	}}
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Interceptors: []spry.Interceptor{keep}}})
	req := spry.NewReq(nil)
	testkit.CloseAll(t, req, rep)
	_, err := rep.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	_, err = req.Dial(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	_, err = req.Start(spry.WrapMessage([]byte("question"), nil))
	testkit.Check(t, err)
	r, err := rep.Recv(testkit.Watchdog(t))
	testkit.Check(t, err)
	testkit.Check(t, r.Reply(t.Context(), []byte("answer")))
	testkit.Check(t, req.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := rep.Drain(ctx); err != nil {
		t.Errorf("a request is open: %v", err)
	}
}
