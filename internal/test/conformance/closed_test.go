// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T32: every call of a closed socket says so.
func TestCallsAfterCloseSayErrClosed(t *testing.T) {
	leak.Check(t)
	ctx, calls := testkit.Watchdog(t), 0
	for kind := range 6 {
		a, b := testkit.Pair(kind, spry.Options{})
		e := testkit.ListenOn(t, b, "inproc")
		url := e.URL()
		testkit.DialTo(t, a, e)
		for range 2 { // a second Close does nothing
			testkit.Check(t, a.Close())
			testkit.Check(t, b.Close())
		}
		testkit.Check(t, e.Close())
		for _, s := range []testkit.End{a, b} {
			wantClosed := func(what string, err error) {
				calls++
				if !errors.Is(err, spry.ErrClosed) || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s on closed %s: %v; want ErrClosed", what, s.Stats().Name, err)
				}
			}
			if s.Send != nil && kind != 3 {
				wantClosed("Send", s.Send(ctx))
			}
			if s.Recv != nil {
				wantClosed("Recv", s.Recv(ctx))
			}
			_, err := s.DialWith(ctx, &spry.Dialer{URL: url})
			wantClosed("Dial", err)
			_, err = s.DialWith(ctx, &spry.Dialer{URL: url, Background: true})
			wantClosed("Connect", err)
			_, err = s.ListenWith(ctx, &spry.ListenConfig{URL: "inproc://after"})
			wantClosed("Listen", err)
			wantClosed("WaitPipes", s.WaitPipes(ctx, 1))
		}
	}
	sub := spry.NewSub(nil)
	part := sub.Open("x")
	testkit.Check(t, part.Close())
	testkit.Check(t, part.Close())
	if _, err := part.Recv(ctx); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Recv on a closed subscription: %v", err)
	}
	testkit.Check(t, sub.Close())
	if _, err := sub.Open("y").Recv(ctx); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Recv on a subscription of a closed Sub: %v", err)
	}
	t.Logf("T32: %d calls on closed sockets, each with ErrClosed", calls)
}

// T32: many receivers share one socket: each message goes to one of them.
func TestConcurrentReceiversShareMessages(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	const messages, receivers = 10_000, 16
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.CloseAll(t, push, pull)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "ipc"))
	var got [messages]atomic.Int32
	var all sync.WaitGroup
	var received atomic.Int64
	rctx, done := context.WithCancel(ctx)
	defer done()
	for range receivers {
		all.Go(func() {
			for {
				body, err := pull.Recv(rctx)
				if err != nil {
					return
				}
				got[int(body[0])<<8|int(body[1])].Add(1)
				if received.Add(1) == messages {
					done()
				}
			}
		})
	}
	for i := range messages {
		testkit.Check(t, push.Send(ctx, []byte{byte(i >> 8), byte(i)}))
	}
	all.Wait()
	for i := range got {
		if n := got[i].Load(); n != 1 {
			t.Fatalf("message %d was received %d times", i, n)
		}
	}
	t.Logf("T32: %d messages to %d concurrent receivers, each once", messages, receivers)
}

// T32: every callback may close its socket.
func TestEveryCallbackMayClose(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	t.Run("Authorize", func(t *testing.T) {
		var pull *spry.Pull
		closed := make(chan error, 8)
		pull = spry.NewPull(&spry.PullOptions{Options: spry.Options{Authorize: func(context.Context, *spry.Pipe) error {
			closed <- pull.Close()
			return nil
		}}})
		push := spry.NewPush(nil)
		defer push.Close()
		e := testkit.ListenOn(t, pull, "tcp")
		_, _ = push.DialWith(ctx, testkit.DialerTo(e))
		testkit.Check(t, returned(ctx, closed))
		testkit.Check(t, pull.Close())
	})
	t.Run("Trace", func(t *testing.T) {
		var pull *spry.Pull
		closed := make(chan error, 8)
		pull = spry.NewPull(&spry.PullOptions{Options: spry.Options{Trace: &spry.Trace{PipeUp: func(spry.Event) { closed <- pull.Close() }}}})
		push := spry.NewPush(nil)
		defer push.Close()
		testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
		testkit.Check(t, returned(ctx, closed))
		testkit.Check(t, pull.Close())
	})
	t.Run("Handler", func(t *testing.T) {
		rep, req := spry.NewRep(nil), spry.NewReq(&spry.ReqOptions{FailFast: true})
		defer req.Close()
		closed := make(chan error, 8)
		testkit.DialTo(t, req, testkit.ListenOn(t, rep, "tcp"))
		handled := make(chan error, 1)
		go func() {
			handled <- rep.Handle(ctx, 4, spry.HandlerFunc(func(context.Context, *spry.Request) { closed <- rep.Close() }))
		}()
		if _, err := req.Do(ctx, []byte("close")); !errors.Is(err, spry.ErrPipeClosed) {
			t.Errorf("a request whose handler closed the socket: %v", err)
		}
		testkit.Check(t, returned(ctx, closed))
		testkit.Check(t, returned(ctx, handled))
	})
	t.Run("release", func(t *testing.T) {
		push, pull := spry.NewPush(nil), spry.NewPull(nil)
		defer pull.Close()
		testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
		closed := make(chan error, 1)
		// A release runs wherever the last reference goes: in the sender's own call, or in the writer.
		testkit.Check(t, push.SendMsg(ctx, spry.WrapMessage(make([]byte, 1<<20), func() { go func() { closed <- push.Close() }() })))
		testkit.Check(t, returned(ctx, closed))
	})
	t.Log("T32: Close from Authorize, Trace, Handler and release, 0 hangs")
}

func returned(ctx context.Context, c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Where messages end silently with the socket, so do answers; and a closed socket says that it is closed.
func TestClosedSocketsSaySo(t *testing.T) {
	surveyor := spry.NewSurveyor(nil)
	testkit.Check(t, surveyor.Close())
	for _, err := range surveyor.Survey(testkit.Watchdog(t), []byte("?")) {
		t.Errorf("a closed surveyor yields %v", err)
	}
	sub := spry.NewSub(nil)
	testkit.Check(t, sub.Close())
	if err := sub.Unsubscribe("x"); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Unsubscribe on a closed socket: %v", err)
	}
}
