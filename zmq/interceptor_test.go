// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// appending is an interceptor that gives messages one more frame, and takes it away.
var appending = spry.InterceptorFuncs{
	Send: func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error {
			for _, m := range o.Messages() {
				m.AppendFrame([]byte("more"))
			}
			return next(ctx, o)
		}
	},
	Recv: func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error {
			err := next(ctx, o)
			for _, m := range o.Messages() {
				var frames [][]byte
				for _, f := range m.Frames() {
					frames = append(frames, f)
				}
				m.SetFrames(frames[:len(frames)-1]...)
			}
			return err
		}
	},
}

// Interceptors see the frames of messages, and whether they may add some. What does not fit the socket afterwards is refused.
func TestInterceptorsOfFrames(t *testing.T) {
	leak.Check(t)
	var multipart []bool
	o := spry.Options{Interceptors: []spry.Interceptor{appending, spry.InterceptorFuncs{Send: func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error {
			multipart = append(multipart, o.Multipart())
			return next(ctx, o)
		}
	}}}}
	ctx := testkit.Watchdog(t)
	router, dealer := zmq.NewRouter(&zmq.RouterOptions{Options: o}), zmq.NewDealer(&zmq.DealerOptions{Options: o})
	testkit.DialTo(t, dealer, testkit.ListenOn(t, router, "inproc"))
	testkit.Check(t, dealer.Send(ctx, []byte("a"), []byte("b")))
	from, frames, err := router.RecvFrom(ctx)
	if testkit.Check(t, err); len(frames) != 2 || string(frames[1]) != "b" {
		t.Errorf("the router received %q", frames)
	}
	testkit.Check(t, router.SendTo(ctx, from, frames...))
	if frames, err = dealer.Recv(ctx); err != nil || len(frames) != 2 {
		t.Errorf("the dealer received %q: %v", frames, err)
	}
	testkit.Shut(t, router, dealer)

	scatter := zmq.NewScatter(&o)
	defer scatter.Close()
	m := zmq.NewMessage([]byte("a"))
	n, batch := scatter.SendBatch(ctx, []*spry.Message{m})
	for _, err := range []error{scatter.Send(ctx, []byte("a")), scatter.SendMsg(ctx, m), batch} {
		if !errors.Is(err, zmq.ErrFrames) || n != 0 {
			t.Errorf("a second frame on a Scatter: %v", err)
		}
	}
	if string(m.Bytes()) != "a" {
		t.Errorf("the message is %q", m.Bytes())
	}
	if want := []bool{true, true, false, false, false}; !slices.Equal(multipart, want) {
		t.Errorf("Multipart was %v", multipart)
	}
}

// What a proxy forwards passes no interceptors.
func TestProxiesAreNotIntercepted(t *testing.T) {
	leak.Check(t)
	panicking := func(spry.OperationFunc) spry.OperationFunc {
		return func(context.Context, *spry.Operation) error { panic("intercepted") }
	}
	o := spry.Options{Interceptors: []spry.Interceptor{spry.InterceptorFuncs{Send: panicking, Recv: panicking}}}
	rawPull, err := spry.NewRaw(spry.ProtocolPull, &o)
	testkit.Check(t, err)
	rawPush, err := spry.NewRaw(spry.ProtocolPush, &o)
	testkit.Check(t, err)
	zPull, zPush := zmq.NewPull(&zmq.PullOptions{Options: o}), zmq.NewPush(&zmq.PushOptions{Options: o})
	zRouter, zDealer := zmq.NewRouter(&zmq.RouterOptions{Options: o}), zmq.NewDealer(&zmq.DealerOptions{Options: o})
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	ended := make(chan error, 3)
	go func() { ended <- spry.Proxy(ctx, rawPull, rawPush, nil) }()
	go func() { ended <- zmq.Proxy(ctx, zPull, zPush, nil) }()
	go func() { ended <- zmq.Proxy(ctx, zRouter, zDealer, nil) }()

	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, rawPull, "inproc"))
	testkit.DialTo(t, pull, testkit.ListenOn(t, rawPush, "inproc"))
	testkit.Check(t, push.Send(ctx, []byte("sp")))
	if body, err := pull.Recv(ctx); err != nil || string(body) != "sp" {
		t.Errorf("received %q: %v", body, err)
	}
	zpush, zpull := zmq.NewPush(nil), zmq.NewPull(nil)
	testkit.DialTo(t, zpush, testkit.ListenOn(t, zPull, "inproc"))
	testkit.DialTo(t, zpull, testkit.ListenOn(t, zPush, "inproc"))
	testkit.Check(t, zpush.Send(ctx, []byte("zmtp")))
	if frames, err := zpull.Recv(ctx); err != nil || string(frames[0]) != "zmtp" {
		t.Errorf("received %q: %v", frames, err)
	}
	req, rep := zmq.NewReq(nil), zmq.NewRep(nil)
	testkit.DialTo(t, req, testkit.ListenOn(t, zRouter, "inproc"))
	testkit.DialTo(t, rep, testkit.ListenOn(t, zDealer, "inproc"))
	serving := make(chan error, 1)
	go func() {
		serving <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	}()
	if frames, err := req.Do(ctx, []byte("request")); err != nil || string(frames[0]) != "request" {
		t.Errorf("the reply is %q: %v", frames, err)
	}
	cancel()
	for range 3 {
		<-ended
	}
	<-serving
	testkit.Shut(t, push, pull, zpush, zpull, req, rep, rawPull, rawPush, zPull, zPush, zRouter, zDealer)
}
