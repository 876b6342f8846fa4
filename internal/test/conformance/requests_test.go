// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// Any number of callers share a Req, over any number of peers that answer in any order: each gets its own reply.
func TestConcurrentRequests(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		const callers, each, servers = 64, 10, 3
		req := spry.NewReq(&spry.ReqOptions{Options: l.options})
		all := []testkit.Socket{req}
		var serving sync.WaitGroup
		var served [servers]atomic.Int32
		for i := range servers {
			rep := spry.NewRep(&spry.RepOptions{Options: l.options})
			l.join(t, req, rep)
			all = append(all, rep)
			serving.Go(func() {
				testkit.Check(t, rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
					served[i].Add(1)
					testkit.Check(t, r.Reply(ctx, fmt.Appendf(nil, "re: %s", r.Bytes())))
				})))
			})
		}
		var asking sync.WaitGroup
		for c := range callers {
			asking.Go(func() {
				for i := range each {
					q := fmt.Sprintf("%d of %d", i, c)
					reply, err := req.Do(ctx, []byte(q))
					if err != nil || string(reply) != "re: "+q {
						t.Errorf("%q was answered by %q: %v", q, reply, err)
						return
					}
				}
			})
		}
		asking.Wait()
		for i := range served {
			if served[i].Load() == 0 {
				t.Errorf("peer %d of %d was never asked", i, servers)
			}
		}
		testkit.Shut(t, all...)
		serving.Wait()
	})
}

// Replies find their calls in whatever order they come.
func TestRepliesInAnyOrder(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		const all = 64
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		var calls []*spry.Call
		for i := range all {
			call, err := req.Start(spry.WrapMessage(fmt.Append(nil, i), nil))
			testkit.Check(t, err)
			calls = append(calls, call)
		}
		var requests []*spry.Request
		for range all {
			r, err := rep.Recv(ctx)
			testkit.Check(t, err)
			requests = append(requests, r)
		}
		for _, r := range slices.Backward(requests) {
			testkit.Check(t, r.Reply(ctx, r.Bytes()))
		}
		for i, call := range calls {
			m, err := call.Wait(ctx)
			testkit.Check(t, err)
			if string(m.Bytes()) != fmt.Sprint(i) {
				t.Errorf("call %d got the reply of %s", i, m.Bytes())
			}
		}
		testkit.Shut(t, req, rep)
	})
}

// Calls are cancelled by themselves or by a context; replies that come later are dropped and counted.
func TestCancelledCalls(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)

		call, err := req.Start(spry.WrapMessage([]byte("one"), nil))
		testkit.Check(t, err)
		one, err := rep.Recv(ctx)
		testkit.Check(t, err)
		call.Cancel()
		for range 2 {
			if m, err := call.Wait(ctx); m != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("Wait for a cancelled call: %v, %v", m, err)
			}
		}

		within, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			_, err := req.Do(within, []byte("two"))
			ended <- err
		}()
		two, err := rep.Recv(ctx)
		testkit.Check(t, err)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Do whose context was cancelled: %v", err)
		}

		within, cancel = context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		_, err = req.Do(within, []byte("three"))
		op, ok := errors.AsType[*spry.OpError](err)
		if !ok || !op.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do whose time is over: %v, want a timeout", err)
		}

		testkit.Check(t, one.Reply(ctx, []byte("late")))
		testkit.Check(t, two.Reply(ctx, []byte("late")))
		testkit.Eventually(t, "late replies are counted", func() bool { return req.Stats().Recv.Dropped["stale"] == 2 })

		call, err = req.Start(spry.WrapMessage([]byte("four"), nil))
		testkit.Check(t, err)
		answerEcho(t, rep, "four")
		m, err := call.Wait(ctx)
		testkit.Check(t, err)
		call.Cancel() // too late to do anything
		if again, err := call.Wait(ctx); again != m || err != nil || string(m.Bytes()) != "four" {
			t.Errorf("a second Wait: %v, %v", again, err)
		}
		testkit.Shut(t, req, rep)
	})
}

// answerEcho answers the request with this body by itself; others, which nobody waits for any more, it discards.
func answerEcho(t *testing.T, rep *spry.Rep, body string) {
	t.Helper()
	for {
		r, err := rep.Recv(testkit.Watchdog(t))
		testkit.Check(t, err)
		if string(r.Bytes()) == body {
			testkit.Check(t, r.Reply(testkit.Watchdog(t), r.Bytes()))
			return
		}
		r.Discard()
	}
}

// A request is answered once, and only while its pipe lives.
func TestRepliesHappenOnce(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		var calls []*spry.Call
		var requests []*spry.Request
		for range 3 {
			call, err := req.Start(spry.NewMessage(0))
			testkit.Check(t, err)
			calls = append(calls, call)
			r, err := rep.Recv(ctx)
			testkit.Check(t, err)
			requests = append(requests, r)
		}
		testkit.Check(t, requests[0].Reply(ctx, []byte("yes")))
		_, err := calls[0].Wait(ctx)
		testkit.Check(t, err)
		requests[1].Discard()
		requests[1].Discard()
		m := spry.WrapMessage([]byte("again"), nil)
		for _, r := range requests[:2] {
			if err := r.ReplyMsg(ctx, m); !errors.Is(err, spry.ErrReplied) || m.Len() != 5 {
				t.Errorf("a second reply: %v, and its message has %d bytes", err, m.Len())
			}
		}
		if _, err := rep.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TryRecvMsg with no request there: %v", err)
		}
		gone := requests[2].Pipe()
		testkit.Check(t, req.Close())
		<-gone.Done()
		if err := requests[2].ReplyMsg(ctx, m); !errors.Is(err, spry.ErrPipeClosed) || m.Len() != 5 {
			t.Errorf("a reply to who has gone: %v, and its message has %d bytes", err, m.Len())
		}
		for _, c := range calls[1:] {
			if _, err := c.Wait(ctx); !errors.Is(err, spry.ErrClosed) {
				t.Errorf("Wait on a closed socket: %v", err)
			}
		}
		testkit.Shut(t, rep, req)
	})
}

// Answers to surveys find their own survey; those that come after its end are dropped and counted.
func TestSurveysDoNotMeet(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		const surveys, respondents = 16, 2
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: l.options, Deadline: testkit.Patience})
		all := []testkit.Socket{surveyor}
		var serving sync.WaitGroup
		for range respondents {
			r := spry.NewRespondent(&spry.RespondentOptions{Options: l.options})
			l.join(t, r, surveyor)
			all = append(all, r)
			serving.Go(func() { testkit.Check(t, r.Serve(ctx, 4, echo(t))) })
		}
		testkit.Check(t, surveyor.WaitPipes(ctx, respondents))
		var asking sync.WaitGroup
		for i := range surveys {
			asking.Go(func() {
				question, answers := fmt.Sprint("question ", i), 0
				for m, err := range surveyor.Survey(ctx, []byte(question)) {
					if err != nil || string(m.Bytes()) != question {
						t.Errorf("%q was answered by %v: %v", question, m, err)
						return
					}
					if answers++; answers == respondents {
						break
					}
				}
			})
		}
		asking.Wait()
		if d := surveyor.Stats().Recv.Dropped; testkit.Sum(d) != 0 {
			t.Errorf("answers were dropped: %v", d)
		}
		testkit.Shut(t, all...)
		serving.Wait()
	})
}

// A survey ends without an error at its deadline and with an error when it is cancelled; leaving it is its end too.
func TestSurveysEnd(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: l.options, Deadline: testkit.Patience})
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: l.options})
		l.join(t, respondent, surveyor)
		testkit.Check(t, surveyor.WaitPipes(ctx, 1))

		within, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		for m, err := range surveyor.Survey(within, []byte("nobody answers")) {
			t.Errorf("a survey without answers yields %v, %v", m, err)
		}
		late, err := respondent.Recv(ctx)
		testkit.Check(t, err)
		testkit.Check(t, late.Reply(ctx, []byte("late")))
		testkit.Eventually(t, "the late answer is counted", func() bool { return surveyor.Stats().Recv.Dropped["stale"] == 1 })

		within, cancel = context.WithCancel(ctx)
		go func() {
			r, err := respondent.Recv(ctx)
			testkit.Check(t, err)
			r.Discard()
			cancel()
		}()
		yields := 0
		for m, err := range surveyor.Survey(within, []byte("cancelled")) {
			if yields++; m != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled survey yields %v, %v", m, err)
			}
		}
		if yields != 1 {
			t.Errorf("a cancelled survey yields its error %d times", yields)
		}

		answered := make(chan error, 1)
		go func() {
			r, err := respondent.Recv(ctx)
			if err == nil {
				err = r.Reply(ctx, []byte("one"))
			}
			answered <- err
		}()
		for m, err := range surveyor.Survey(ctx, []byte("left")) {
			testkit.Check(t, err)
			if string(m.Bytes()) != "one" {
				t.Errorf("answer %q", m.Bytes())
			}
			break
		}
		testkit.Check(t, <-answered)

		ended := make(chan int, 1)
		go func() {
			yields := 0
			for range surveyor.Survey(ctx, []byte("closed")) {
				yields++
			}
			ended <- yields
		}()
		_, err = respondent.Recv(ctx) // the survey is under way
		testkit.Check(t, err)
		testkit.Shut(t, surveyor, respondent)
		if n := <-ended; n != 0 {
			t.Errorf("a survey whose socket was closed yields %d times", n)
		}
	})
}
