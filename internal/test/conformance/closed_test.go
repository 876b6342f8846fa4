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
			_, err := s.DialWith(ctx, &spry.DialConfig{URL: url})
			wantClosed("Dial", err)
			_, err = s.DialWith(ctx, &spry.DialConfig{URL: url, Background: true})
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
	if err := sub.Unsubscribe("x"); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Unsubscribe on a closed Sub: %v", err)
	}
	if _, err := sub.Open("y").Recv(ctx); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Recv on a subscription of a closed Sub: %v", err)
	}
	surveyor := spry.NewSurveyor(nil)
	testkit.Check(t, surveyor.Close())
	for _, err := range surveyor.Survey(ctx, []byte("?")) { // answers end silently with the socket, as messages do
		t.Errorf("a closed surveyor yields %v", err)
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

func returned(ctx context.Context, c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
