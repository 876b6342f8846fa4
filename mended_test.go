// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Each test here failed before a fault was mended.

// Handle goes on while all its workers are within their handlers.
func TestHandleOutlivesBusyWorkers(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	testkit.ListenAt(t, rep, "inproc://one")
	served := make(chan error, 1)
	go func() {
		served <- rep.Handle(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
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
	err = rep.Handle(within, 1, spry.HandlerFunc(func(context.Context, *spry.Request) {
		handled++
		cancel()
	}))
	if !errors.Is(err, context.Canceled) || handled != 1 {
		t.Errorf("Handle: %v after %d requests, want its context's end after 1", err, handled)
	}
}

func TestTapMayClose(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	from, err := spry.NewRaw(spry.ProtocolPull, &o)
	testkit.Check(t, err)
	to, err := spry.NewRaw(spry.ProtocolPush, &o)
	testkit.Check(t, err)
	testkit.ListenAt(t, from, "inproc://in")
	push := spry.NewPush(&spry.PushOptions{Options: o})
	_, err = push.Dial(ctx, "inproc://in")
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte("x")))
	err = spry.Proxy(ctx, from, to, &spry.ProxyOptions{Tap: func(from *spry.Raw, _ *spry.Message) { _ = from.Close() }})
	if !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Proxy: %v, want ErrClosed", err)
	}
	testkit.Check(t, to.Close())
	testkit.Check(t, push.Close())
}

func TestWaitEndsWithItsEndpoint(t *testing.T) {
	o := testkit.Private()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	e, err := push.Connect("inproc://never")
	testkit.Check(t, err)
	go e.Close()
	if err := e.Wait(testkit.Watchdog(t)); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Wait on an endpoint that ended: %v, want ErrClosed", err)
	}
}

func TestBreachesAfterTheHandshakeAreCounted(t *testing.T) {
	pull := spry.NewPull(nil)
	defer pull.Close()
	e := testkit.ListenOn(t, pull, "tcp")
	b := testkit.BareTo(t, e)
	b.Shake(t, spry.ProtocolPush)
	b.Say(t, testkit.FrameHead(false, 1<<40))
	b.UntilClosed(t)
	testkit.Eventually(t, "the breach is counted", func() bool { return pull.Stats().Rejected["oversize"] == 1 })
}

func TestBatchesGoToTheLeastLoaded(t *testing.T) {
	ctx, o := testkit.Watchdog(t), testkit.Private()
	push := spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: true})
	defer push.Close()
	o.RecvQueue = 1
	slow, fast := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: testkit.Private()})
	defer slow.Close()
	defer fast.Close()
	testkit.ListenAt(t, slow, "inproc://slow")
	e := testkit.ListenOn(t, fast, "tcp")
	_, err := push.Dial(ctx, "inproc://slow")
	testkit.Check(t, err)
	for range 2 { // one is with the slow peer, the other waits for it
		testkit.Check(t, push.Send(ctx, []byte("x")))
	}
	_, err = push.Dial(ctx, e.URL())
	testkit.Check(t, err)
	for range 20 {
		n, err := push.SendBatch(ctx, []*spry.Message{spry.WrapMessage([]byte("y"), nil)})
		if n != 1 || err != nil {
			t.Fatalf("SendBatch: %d, %v", n, err)
		}
		testkit.Eventually(t, "only the slow peer's message waits", func() bool { return push.Stats().Send.Queued == 1 })
	}
	for range 20 {
		if _, err := fast.Recv(ctx); err != nil {
			t.Fatalf("a batch went to the peer with a message queued: %v", err)
		}
	}
}

// A loop whose context has ended takes nothing more, even if there is something.
func TestMessagesEndsWithItsContext(t *testing.T) {
	ctx, o := testkit.Watchdog(t), testkit.Private()
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
	defer pull.Close()
	defer push.Close()
	testkit.ListenAt(t, pull, "inproc://loop")
	_, err := push.Dial(ctx, "inproc://loop")
	testkit.Check(t, err)
	for range 10 {
		testkit.Check(t, push.Send(ctx, nil))
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	got := 0
	for _, err := range pull.Messages(within) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the loop ended with %v", err)
			}
			break
		}
		got++
		cancel()
	}
	if got != 1 {
		t.Errorf("the loop took %d messages, want 1", got)
	}
}
