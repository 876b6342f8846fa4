// SPDX-License-Identifier: MIT

package spry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

var errNo = errors.New("no")

func sendFunc(f func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error) spry.Interceptor {
	return onSend(f)[0]
}

func recvFunc(f func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error) spry.Interceptor {
	return onRecv(f)[0]
}

// again calls next until it succeeds.
func again(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
	for next(ctx, o) != nil {
	}
	return nil
}

func message(body string) *spry.Message { return spry.WrapMessage([]byte(body), nil) }

// answering gives this reply to each request, until the socket is closed.
func answering(t *testing.T, s replier, reply string) {
	now := make(chan struct{})
	close(now)
	answeringAfter(t, s, now, reply)
}

type replier interface {
	testkit.Socket
	Serve(ctx context.Context, workers int, h spry.Handler) error
}

// answeringAfter replies to each request when may is closed.
func answeringAfter(t *testing.T, s replier, may <-chan struct{}, reply string) {
	done := make(chan error)
	go func() {
		done <- s.Serve(context.WithoutCancel(t.Context()), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			<-may
			_ = r.Reply(ctx, []byte(reply))
		}))
	}()
	t.Cleanup(func() {
		testkit.Check(t, s.Close())
		testkit.Check(t, <-done)
	})
}

// An interceptor that tries again after the error or the panic of another, which had changed some messages, sends none that was
// changed twice.
func TestRetriedMessagesAreChangedOnce(t *testing.T) {
	failures := 0
	signing := sendFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		for i, m := range o.Messages() {
			if m.SetFrames(append(bytes.Clone(m.Bytes()), '!')); failures < 4 && i == len(o.Messages())-1 {
				if failures++; failures%2 == 0 {
					panic("no")
				}
				return errNo
			}
		}
		return next(ctx, o)
	})
	retrying := sendFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		return again(ctx, o, func(ctx context.Context, o *spry.Operation) (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("%v", p)
				}
			}()
			return next(ctx, o)
		})
	})
	push, pull := pipeline(t, []spry.Interceptor{retrying, signing}, nil)
	ctx := testkit.Watchdog(t)
	ms := []*spry.Message{message("0"), message("1"), message("2")}
	n, err := push.SendBatch(ctx, ms)
	if n != 3 || err != nil || failures != 4 {
		t.Fatalf("sent %d after %d failures: %v", n, failures, err)
	}
	for _, want := range []string{"0!", "1!", "2!"} {
		if got, err := pull.Recv(ctx); err != nil || string(got) != want {
			t.Errorf("received %q, %v, want %q", got, err, want)
		}
	}
	if slices.ContainsFunc(ms, func(m *spry.Message) bool { return m.Len() > 0 }) {
		t.Errorf("what was sent is still there: %v", ms)
	}
}

// What an interceptor fails to receive is dropped, even if another keeps the error or asks again: it may be half changed.
func TestReceivedMessagesStayFailed(t *testing.T) {
	opening := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		err := next(ctx, o)
		for _, m := range o.Messages() {
			body, found := bytes.CutPrefix(m.Bytes(), []byte("sealed "))
			if !found {
				return errNo
			}
			m.SetFrames(body)
		}
		return err
	})
	for name, asksAgain := range map[string]bool{"keeps the error": false, "asks again": true} {
		t.Run(name, func(t *testing.T) {
			var push *spry.Push
			outer := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
				err := next(ctx, o)
				if !errors.Is(err, errNo) {
					return err
				}
				testkit.Check(t, push.Send(ctx, []byte("sealed 2")))
				if asksAgain {
					return next(ctx, o)
				}
				return nil
			})
			var pull *spry.Pull
			push, pull = pipeline(t, nil, []spry.Interceptor{outer, opening})
			ctx := testkit.Watchdog(t)
			n, err := push.SendBatch(ctx, []*spry.Message{message("sealed 0"), message("1")})
			testkit.Check(t, err)
			testkit.Check(t, push.Flush(ctx))
			testkit.Eventually(t, "both messages arrive", func() bool { return pull.Stats().Recv.Queued == uint64(n) })
			dst := make([]*spry.Message, 4)
			got, err := pull.RecvBatch(ctx, dst)
			if got != 1 || err != nil || string(dst[0].Bytes()) != "2" {
				t.Fatalf("received %v, %v", dst[:got], err)
			}
			if dst[1] != nil {
				t.Errorf("a message that was dropped is in dst: %q", dst[1].Bytes())
			}
			if n := pull.Stats().Recv.Dropped[spry.ReasonIntercepted]; n != 2 {
				t.Errorf("%d messages were dropped", n)
			}
		})
	}
}

// Messages that interceptors drop are not left in the caller's slice, beside those that it got.
func TestBatchesHaveNoDroppedMessages(t *testing.T) {
	push, pull := pipeline(t, nil, onRecv(choosing))
	ctx := testkit.Watchdog(t)
	for _, c := range []struct {
		bodies []string
		got    int
		err    error
	}{{[]string{"discard", "a", "discard", "b"}, 2, nil}, {[]string{"a", "fail", "b"}, 0, errNo}} {
		for _, b := range c.bodies {
			testkit.Check(t, push.Send(ctx, []byte(b)))
		}
		testkit.Check(t, push.Flush(ctx))
		testkit.Eventually(t, "all arrive", func() bool { return pull.Stats().Recv.Queued == uint64(len(c.bodies)) })
		mine := message("mine")
		dst := []*spry.Message{0: nil, 5: mine}
		n, err := pull.RecvBatch(ctx, dst)
		if n != c.got || !errors.Is(err, c.err) {
			t.Errorf("of %q received %d, %v", c.bodies, n, err)
		}
		for i, m := range dst[n:5] {
			if m != nil {
				t.Errorf("of %q, dst[%d] is %q", c.bodies, n+i, m.Bytes())
			}
		}
		if dst[5] != mine {
			t.Error("what was in dst beyond the messages that arrived has gone")
		}
	}
}

// A request whose reply the interceptors of its receiving refuse has failed: those of its sending get the same error each time.
func TestRequestsStayFailed(t *testing.T) {
	var (
		errs  []error
		tried func() // lets the reply come, which would else be there before the ctx that has ended is looked at
	)
	twice := sendFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		errs = append(errs, next(ctx, o), next(ctx, o))
		return errs[1]
	})
	no := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		_ = next(ctx, o)
		return errNo
	})
	keep := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		_ = next(ctx, o)
		return nil
	})
	late := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_ = next(ended, o)
		tried()
		return next(ctx, o)
	})
	for name, c := range map[string]struct {
		interceptors []spry.Interceptor
		want         error
	}{
		"refused reply":         {[]spry.Interceptor{twice, no}, errNo},
		"refused and kept":      {[]spry.Interceptor{twice, keep, no}, errNo},
		"asked again too late":  {[]spry.Interceptor{twice, late}, context.Canceled},
		"asked again, and kept": {[]spry.Interceptor{keep, twice, late}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			errs = nil
			rep := spry.NewRep(nil)
			req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Interceptors: c.interceptors}})
			testkit.CloseAll(t, req, rep)
			testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
			testkit.Check(t, req.WaitPipes(testkit.Watchdog(t), 1))
			may := make(chan struct{})
			tried = sync.OnceFunc(func() { close(may) })
			if !errors.Is(c.want, context.Canceled) {
				tried()
			}
			answeringAfter(t, rep, may, "reply")
			_, err := req.Do(testkit.Watchdog(t), []byte("request"))
			tried()
			if !errors.Is(err, c.want) || len(errs) != 2 || !errors.Is(errs[0], c.want) || !errors.Is(errs[1], c.want) {
				t.Errorf("the request failed with %v, and its interceptor saw %v; want %v", err, errs, c.want)
			}
		})
	}
}

// Discard does nothing to messages that are sent, whosever they were.
func TestSentMessagesAreNotDiscarded(t *testing.T) {
	push, pull := pipeline(t, onSend(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		o.Discard(0)
		err := next(ctx, o)
		o.Discard(0)
		return err
	}), nil)
	ctx := testkit.Watchdog(t)
	n, err := push.SendBatch(ctx, []*spry.Message{message("0"), message("1")})
	if n != 2 || err != nil {
		t.Fatalf("sent %d: %v", n, err)
	}
	for range 3 { // each is sent again, as it was received
		for _, want := range []string{"0", "1"} {
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			if string(m.Bytes()) != want {
				t.Errorf("received %q, want %q", m.Bytes(), want)
			}
			testkit.Check(t, push.SendMsg(ctx, m))
		}
	}
	if st := pull.Stats(); st.Recv.Dropped[spry.ReasonIntercepted] != 0 || st.Recv.Delivered != 6 {
		t.Errorf("the pull has %+v", st.Recv)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	m := message("kept")
	if err := push.SendMsg(ended, m); !errors.Is(err, context.Canceled) || string(m.Bytes()) != "kept" {
		t.Errorf("a message that was not sent is %q: %v", m.Bytes(), err)
	}
}

// The reply is the request's own message, which an interceptor tries to discard.
func TestRepliesAreNotDiscarded(t *testing.T) {
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Interceptors: onSend(
		func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			o.Discard(0)
			return next(ctx, o)
		},
	)}})
	req := spry.NewReq(nil)
	testkit.CloseAll(t, req, rep)
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	call, err := req.Start(message("echo"))
	testkit.Check(t, err)
	ctx := testkit.Watchdog(t)
	r, err := rep.Recv(ctx)
	testkit.Check(t, err)
	testkit.Check(t, r.ReplyMsg(ctx, r.Message()))
	if m, err := call.Wait(ctx); err != nil || string(m.Bytes()) != "echo" {
		t.Errorf("%v: %v", m, err)
	}
}

// Interceptors of a survey's answers have its context, each time that they ask, and cannot make it last longer.
func TestInterceptorsOfSurveys(t *testing.T) {
	type key struct{}
	var seen []string
	look := func(ctx context.Context) {
		_, limited := ctx.Deadline()
		seen = append(seen, fmt.Sprint(ctx.Value(key{}), " ", limited))
	}
	asking := recvFunc(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		look(ctx)
		err := next(ctx, o)
		if err == nil && string(o.Messages()[0].Bytes()) == "discard" {
			o.Discard(0)
		}
		return err
	})
	detaching := recvFunc(func(_ context.Context, o *spry.Operation, next spry.OperationFunc) error {
		return next(context.Background(), o)
	})
	s := spry.NewSurveyor(&spry.SurveyorOptions{
		Deadline: 500 * time.Millisecond,
		Options:  spry.Options{Interceptors: []spry.Interceptor{asking, detaching}},
	})
	testkit.CloseAll(t, s)
	for _, answer := range []string{"discard", "yes"} {
		r := spry.NewRespondent(nil)
		testkit.CloseAll(t, r)
		testkit.DialTo(t, r, testkit.ListenOn(t, s, "inproc"))
		answering(t, r, answer)
	}
	testkit.Check(t, s.WaitPipes(testkit.Watchdog(t), 2))
	for m, err := range s.Survey(context.WithValue(t.Context(), key{}, "mine"), []byte("?")) {
		testkit.Check(t, err)
		if string(m.Bytes()) != "yes" {
			t.Errorf("the answer is %q", m.Bytes())
		}
	}
	if len(seen) != 3 || slices.ContainsFunc(seen, func(s string) bool { return s != "mine true" }) {
		t.Errorf("the contexts of receiving had %q", seen)
	}
}
