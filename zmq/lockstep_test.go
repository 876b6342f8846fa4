// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

func lockStep(o zmq.ReqOptions) *zmq.Req {
	o.Backoff = spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
	return zmq.NewReq(&o)
}

// bareRequest receives a request that must be an empty frame and a body, and nothing else.
func bareRequest(t *testing.T, router *zmq.Router, body string) (from string) {
	t.Helper()
	got, err := router.Recv(testkit.Watchdog(t))
	testkit.Check(t, err)
	is(t, got[1:], "", body)
	return string(got[0])
}

// Many callers share a connection, one at a time.
func TestLockStepIsOneAtATime(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req, router := lockStep(zmq.ReqOptions{}), zmq.NewRouter(nil)
		join(t, scheme, req, router)
		const callers = 20
		var calling sync.WaitGroup
		for i := range callers {
			calling.Go(func() {
				want := fmt.Sprint(i)
				got, err := req.Do(ctx, []byte(want))
				if err != nil || text(got) != text(raw("re", want)) {
					t.Errorf("request %s was answered by %s, %v", want, text(got), err)
				}
			})
		}
		for range callers {
			got, err := router.Recv(ctx)
			testkit.Check(t, err)
			if len(got) != 3 || len(got[1]) != 0 {
				t.Fatalf("a request is %s", text(got))
			}
			quiet(t, router) // nobody else asks before the answer
			testkit.Check(t, router.Send(ctx, got[0], nil, []byte("re"), got[2]))
		}
		calling.Wait()
		testkit.Shut(t, req, router)
	})
}

// Several connections have a request each, and what has several frames keeps them.
func TestLockStepTakesTurns(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req := lockStep(zmq.ReqOptions{})
		routers := []*zmq.Router{zmq.NewRouter(nil), zmq.NewRouter(nil)}
		for _, r := range routers {
			join(t, scheme, req, r)
		}
		var calls []*spry.Call
		for i := range 4 {
			c, err := req.Start(message(fmt.Sprint(i), "end"))
			testkit.Check(t, err)
			calls = append(calls, c)
		}
		var asked []string
		answer := func(from *zmq.Router, m *spry.Message) {
			got := framesOf(m)
			is(t, got[1:], "", string(got[2]), "end")
			asked = append(asked, string(got[2]))
			m.AppendFrame([]byte("!"))
			testkit.Check(t, from.SendMsg(ctx, m))
		}
		var first []*spry.Message
		for _, r := range routers {
			m, err := r.RecvMsg(ctx)
			testkit.Check(t, err)
			first = append(first, m)
		}
		for i, r := range routers {
			quiet(t, r)
			answer(r, first[i])
		}
		for range 2 { // of whichever has answered
			from := routers[0]
			m := awaited(t, func() (*spry.Message, error) {
				if m, err := routers[0].TryRecvMsg(); err == nil {
					return m, nil
				}
				from = routers[1]
				m, err := from.TryRecvMsg()
				if err != nil {
					from = routers[0]
				}
				return m, err
			})
			answer(from, m)
		}
		for i, c := range calls {
			m, err := c.Wait(ctx)
			testkit.Check(t, err)
			is(t, framesOf(m), fmt.Sprint(i), "end", "!")
		}
		slices.Sort(asked)
		is(t, raw(asked...), "0", "1", "2", "3")
		testkit.Shut(t, req, routers[0], routers[1])
	})
}

// A request that is given up costs its connection: its answer can then not be taken for the next one's.
func TestLockStepCancelled(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req, router := lockStep(zmq.ReqOptions{}), zmq.NewRouter(nil)
		join(t, scheme, req, router)
		patient, cancel := context.WithCancel(ctx)
		ended := make(chan error)
		go func() {
			_, err := req.Do(patient, []byte("given up"))
			ended <- err
		}()
		from := bareRequest(t, router, "given up")
		old := router.Pipe(from)
		cancel()
		testkit.Wants(t, <-ended, context.Canceled)
		<-old.Done()
		answered := make(chan string)
		go func() {
			got, _ := req.Do(ctx, []byte("next"))
			answered <- text(got)
		}()
		again := bareRequest(t, router, "next")
		if err := router.SendTo(ctx, from, nil, []byte("late")); err == nil {
			t.Error("the late answer has where to go")
		}
		testkit.Check(t, router.SendTo(ctx, again, nil, []byte("in time")))
		if got := <-answered; got != text(raw("in time")) {
			t.Errorf("answered %s", got)
		}
		testkit.Shut(t, req, router)
	})
}

// A request that is not answered in time is asked again, over a new connection.
func TestLockStepRetries(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req, router := lockStep(zmq.ReqOptions{Retry: 20 * time.Millisecond}), zmq.NewRouter(nil)
		join(t, scheme, req, router)
		answered := make(chan string)
		go func() {
			got, _ := req.Do(ctx, []byte("again"))
			answered <- text(got)
		}()
		first := bareRequest(t, router, "again")
		if second := bareRequest(t, router, "again"); second == first {
			t.Error("it came again over the same connection")
		}
		stop := make(chan struct{})
		go func() { // the answer may come too late for one attempt, but not for all
			defer close(stop)
			for m, err := range router.Messages(context.Background()) {
				if err != nil {
					return
				}
				frames := framesOf(m)
				_ = router.SendTo(ctx, string(frames[0]), nil, []byte("at last"))
			}
		}()
		if got := <-answered; got != text(raw("at last")) {
			t.Errorf("answered %s", got)
		}
		testkit.Shut(t, req, router)
		<-stop
	})
}

// Whoever answers out of turn is not heard.
func TestLockStepUnasked(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req, router := lockStep(zmq.ReqOptions{Options: zmq.Options{Identity: "me"}}), zmq.NewRouter(nil)
		join(t, scheme, req, router)
		testkit.Check(t, router.SendTo(ctx, "me", nil, []byte("unasked")))
		testkit.Eventually(t, "it is counted", func() bool { return req.Stats().Recv.Dropped["stale"] == 1 })
		c, err := req.Start(message("asked"))
		testkit.Check(t, err)
		bareRequest(t, router, "asked")
		testkit.Check(t, router.SendTo(ctx, "me", []byte("\x80\x00\x00\x07"), nil, []byte("with an id")))
		testkit.Eventually(t, "it is counted", func() bool { return req.Stats().Recv.Dropped["stale"] == 2 })
		testkit.Check(t, router.SendTo(ctx, "me", nil, []byte("answer")))
		m, err := c.Wait(ctx)
		testkit.Check(t, err)
		is(t, framesOf(m), "answer")
		testkit.Shut(t, req, router)
	})
}

// A Rep does not mind.
func TestLockStepToRep(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		req, rep := lockStep(zmq.ReqOptions{}), zmq.NewRep(nil)
		join(t, scheme, req, rep)
		served := echo(t, rep)
		for _, frames := range [][]string{{"one"}, {"two", "frames"}, {""}} {
			got, err := req.Do(testkit.Watchdog(t), raw(frames...)...)
			testkit.Check(t, err)
			is(t, got, frames...)
		}
		testkit.Shut(t, req, rep)
		testkit.Check(t, <-served)
	})
}
