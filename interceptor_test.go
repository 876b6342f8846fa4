// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// around is an interceptor function that calls f around each operation.
func around(f func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error) func(spry.OperationFunc) spry.OperationFunc {
	return func(next spry.OperationFunc) spry.OperationFunc {
		return func(ctx context.Context, o *spry.Operation) error { return f(ctx, o, next) }
	}
}

// pipeline is a Push and a Pull, each with interceptors, that are joined within the process.
func pipeline(t *testing.T, sending, receiving []spry.Interceptor) (push *spry.Push, pull *spry.Pull) {
	t.Helper()
	leak.Check(t)
	push = spry.NewPush(&spry.PushOptions{Options: spry.Options{Interceptors: sending, Linger: -1}})
	pull = spry.NewPull(&spry.PullOptions{Options: spry.Options{Interceptors: receiving}})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	testkit.Check(t, push.WaitPipes(testkit.Watchdog(t), 1))
	t.Cleanup(func() {
		for _, s := range []testkit.Socket{push, pull} {
			_ = s.Close()
			if what := testkit.Unbalanced(s.Stats()); what != "" {
				t.Error(what)
			}
		}
	})
	return push, pull
}

func onSend(f func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error) []spry.Interceptor {
	return []spry.Interceptor{spry.InterceptorFuncs{Send: around(f)}}
}

func onRecv(f func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error) []spry.Interceptor {
	return []spry.Interceptor{spry.InterceptorFuncs{Recv: around(f)}}
}

// The first interceptor is the outermost, on the way out and on the way in, and each may change context and contents.
func TestInterceptorsNest(t *testing.T) {
	type key struct{}
	var seen []string
	marking := func(name string) spry.Interceptor {
		mark := func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			path, _ := ctx.Value(key{}).(string)
			ctx = context.WithValue(ctx, key{}, path+name)
			seen = append(seen, path+name+" before")
			for _, m := range o.Messages() {
				m.SetFrames(fmt.Appendf(nil, "%s(%s)", name, m.Bytes()))
			}
			err := next(ctx, o)
			seen = append(seen, path+name+" after")
			return err
		}
		strip := func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			err := next(ctx, o)
			for _, m := range o.Messages() {
				body, whole := strings.CutPrefix(string(m.Bytes()), name+"(")
				body, closed := strings.CutSuffix(body, ")")
				if !whole || !closed {
					t.Errorf("%s is to take %q apart", name, m.Bytes())
				}
				m.SetFrames([]byte(body))
				m.SetContext(context.WithValue(m.Context(), key{}, fmt.Sprint(m.Context().Value(key{}), name)))
			}
			return err
		}
		return spry.InterceptorFuncs{Send: around(mark), Recv: around(strip)}
	}
	push, pull := pipeline(t, []spry.Interceptor{marking("a"), marking("b")}, []spry.Interceptor{marking("a"), marking("b")})
	ctx := testkit.Watchdog(t)
	m := spry.NewMessage(1)
	_, _ = m.Write([]byte("x"))
	testkit.Check(t, push.SendMsg(ctx, m))
	if m.Len() != 0 {
		t.Errorf("the message that was sent has %q", m.Bytes())
	}
	got, err := pull.RecvMsg(ctx)
	testkit.Check(t, err)
	if string(got.Bytes()) != "x" || got.Context().Value(key{}) != "<nil>ba" || got.Pipe() == nil {
		t.Errorf("received %q with %v over %v", got.Bytes(), got.Context().Value(key{}), got.Pipe())
	}
	if want := []string{"a before", "ab before", "ab after", "a after"}; !slices.Equal(seen, want) {
		t.Errorf("the order was %q, not %q", seen, want)
	}
}

// A message that an interceptor refuses stays as the application made it, and was not offered.
func TestInterceptorsRefuse(t *testing.T) {
	no := errors.New("no")
	push, pull := pipeline(t, onSend(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		ms := o.Messages()
		for i, m := range ms {
			if string(m.Bytes()) == "bad" {
				m.SetFrames([]byte("worse"))
				return fmt.Errorf("message %d: %w", i, no)
			}
			_, _ = m.Write([]byte("!"))
		}
		return next(ctx, o)
	}), nil)
	ctx := testkit.Watchdog(t)
	bad := spry.NewMessage(3)
	_, _ = bad.Write([]byte("bad"))
	for _, err := range []error{push.Send(ctx, []byte("bad")), push.SendMsg(ctx, bad), push.TrySendMsg(bad)} {
		testkit.Wants(t, err, no, "message 0")
	}
	if n, err := push.SendBatch(ctx, []*spry.Message{spry.WrapMessage([]byte("good"), nil), bad}); n != 0 || !errors.Is(err, no) {
		t.Errorf("a batch with a bad message sent %d: %v", n, err)
	}
	if string(bad.Bytes()) != "bad" {
		t.Errorf("the message is %q now", bad.Bytes())
	}
	if st := push.Stats(); st.Send.Offered != 0 || testkit.Sum(st.Send.Dropped) != 0 {
		t.Errorf("%d messages were offered, %v dropped", st.Send.Offered, st.Send.Dropped)
	}
	testkit.Check(t, push.Send(ctx, []byte("good")))
	if got, err := pull.Recv(ctx); err != nil || string(got) != "good!" {
		t.Errorf("received %q: %v", got, err)
	}
}

// If not all of a batch is sent, the rest is as it was, and n says where it begins.
func TestInterceptedBatchIsSentInPart(t *testing.T) {
	leak.Check(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{
		SendQueue: 2, Linger: -1,
		Interceptors: onSend(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			for _, m := range o.Messages() {
				_, _ = m.Write([]byte("!"))
			}
			return next(ctx, o)
		}),
	}})
	defer push.Close()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 1}})
	defer testkit.Shut(t, pull)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	testkit.Check(t, push.WaitPipes(testkit.Watchdog(t), 1))
	var ms []*spry.Message
	for i := range 10 {
		m := spry.NewMessage(1)
		_, _ = m.Write([]byte{byte('0' + i)})
		ms = append(ms, m)
	}
	for push.TrySendMsg(spry.NewMessage(0)) == nil { // until the queues are full
	}
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	done := make(chan int)
	go func() {
		n, err := push.SendBatch(ctx, ms)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		done <- n
	}()
	for sent := 0; sent < 2; { // makes room for some
		m, err := pull.RecvMsg(testkit.Watchdog(t))
		testkit.Check(t, err)
		if m.Len() > 1 {
			sent++
		}
	}
	cancel()
	n := <-done
	if n < 2 || n == len(ms) {
		t.Fatalf("%d were sent", n)
	}
	for i, m := range ms {
		if want := string(rune('0' + i)); i < n && m.Len() != 0 || i >= n && string(m.Bytes()) != want {
			t.Errorf("message %d of %d is %q", i, n, m.Bytes())
		}
	}
}

// choosing discards messages that say so, and fails with errNo for those that say that.
func choosing(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
	err := next(ctx, o)
	for i := len(o.Messages()) - 1; i >= 0; i-- {
		switch string(o.Messages()[i].Bytes()) {
		case "discard":
			o.Discard(i)
		case "fail":
			return errNo
		}
	}
	return err
}

// A received message that an interceptor discards is counted, and the call waits for the next; so is one that it fails with.
func TestInterceptorsDiscard(t *testing.T) {
	push, pull := pipeline(t, nil, onRecv(choosing))
	ctx := testkit.Watchdog(t)
	send := func(bodies ...string) {
		for _, b := range bodies {
			testkit.Check(t, push.Send(ctx, []byte(b)))
		}
		testkit.Check(t, push.Flush(ctx))
	}
	dropped := func(want uint64) {
		t.Helper()
		if got := pull.Stats().Recv.Dropped[spry.ReasonIntercepted]; got != want {
			t.Errorf("%d messages are counted as intercepted, not %d", got, want)
		}
	}
	send("discard", "discard", "1")
	if got, err := pull.Recv(ctx); err != nil || string(got) != "1" {
		t.Errorf("received %q: %v", got, err)
	}
	dropped(2)
	send("2", "discard", "3")
	var batch [8]*spry.Message
	for n := 0; n < 2; {
		more, err := pull.RecvBatch(ctx, batch[n:])
		testkit.Check(t, err)
		n += more
	}
	if string(batch[0].Bytes()) != "2" || string(batch[1].Bytes()) != "3" {
		t.Errorf("the batch is %q and %q", batch[0].Bytes(), batch[1].Bytes())
	}
	dropped(3)
	send("fail")
	_, err := pull.Recv(ctx)
	testkit.Wants(t, err, errNo)
	dropped(4)
	send("discard")
	if _, err := pull.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
		t.Errorf("with nothing left, TryRecvMsg says %v", err)
	}
	dropped(5)
}

// What a channel or a loop over Bodies gives back has passed the interceptors, and does not pass them again.
func TestMessagesPassInterceptorsOnce(t *testing.T) {
	seen := 0
	push, pull := pipeline(t, nil, onRecv(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		err := next(ctx, o)
		for _, m := range o.Messages() {
			seen++
			m.SetFrames(append(m.Bytes(), '!'))
			m.SetContext(context.WithValue(ctx, &seen, string(m.Bytes())))
		}
		return err
	}))
	ctx := testkit.Watchdog(t)
	for _, b := range []string{"1", "2", "3", "4"} {
		testkit.Check(t, push.Send(ctx, []byte(b)))
	}
	testkit.Check(t, push.Flush(ctx))
	within, cancel := context.WithCancel(ctx)
	c := pull.Chan(within)
	testkit.Eventually(t, "the channel has a message", func() bool { return pull.Stats().Recv.Delivered == 1 })
	cancel()
	for range c { // it may choose to give it
		t.Skip("the channel's goroutine gave its message: nothing was given back")
	}
	for body, err := range pull.Bodies(ctx) {
		if testkit.Check(t, err); string(body) != "1!" {
			t.Errorf("Bodies yields %q", body)
		}
		break
	}
	for _, want := range []string{"2!", "3!", "4!"} {
		m, err := pull.RecvMsg(ctx)
		if testkit.Check(t, err); string(m.Bytes()) != want || m.Context().Value(&seen) != want || m.Pipe() == nil {
			t.Errorf("received %q with %v over %v, not %q", m.Bytes(), m.Context().Value(&seen), m.Pipe(), want)
		}
	}
	if seen != 4 {
		t.Errorf("interceptors saw %d messages", seen)
	}
}

// A panic of an interceptor is counted as those of callbacks are, and costs the call.
func TestInterceptorsPanic(t *testing.T) {
	boom := func(context.Context, *spry.Operation, spry.OperationFunc) error { panic("boom") }
	late := func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
		_ = next(ctx, o)
		panic("boom")
	}
	push, pull := pipeline(t, onSend(boom), onRecv(late))
	ctx := testkit.Watchdog(t)
	panicked := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "Interceptor panicked: boom") {
			t.Errorf("the call's error is %v", err)
		}
	}
	panicked(push.Send(ctx, nil))
	push2 := spry.NewPush(nil)
	defer testkit.Shut(t, push2)
	testkit.DialTo(t, push2, testkit.ListenOn(t, pull, "inproc"))
	testkit.Check(t, push2.Send(ctx, nil))
	_, err := pull.Recv(ctx)
	panicked(err)
	if sent, received := push.Stats(), pull.Stats(); sent.Panics != 1 || received.Panics != 1 ||
		sent.Send.Offered != 0 || received.Recv.Dropped[spry.ReasonIntercepted] != 1 {
		t.Errorf("counted %d and %d panics, %d offered, %v dropped", sent.Panics, received.Panics, sent.Send.Offered, received.Recv.Dropped)
	}
}

// One interceptor sees request and reply; those of the other end see the request, its handler and the answer, in this order.
func TestInterceptorsOfRequests(t *testing.T) {
	leak.Check(t)
	var q, r []string
	logging := func(seen *[]string) spry.Interceptor {
		say := func(what string) func(spry.OperationFunc) spry.OperationFunc {
			return around(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
				*seen = append(*seen, fmt.Sprint(what, " ", o.Socket().Protocol(), o.To() != nil, o.Request() != nil, len(o.Messages())))
				err := next(ctx, o)
				*seen = append(*seen, fmt.Sprint(what, " done ", err))
				return err
			})
		}
		return spry.InterceptorFuncs{Send: say("send"), Recv: say("recv"), Handle: say("handle")}
	}
	req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Interceptors: []spry.Interceptor{logging(&q)}}})
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Interceptors: []spry.Interceptor{logging(&r)}}})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	ctx := testkit.Watchdog(t)
	serving := make(chan error)
	go func() {
		r, err := rep.Recv(ctx) // before the request, so that the order is one
		testkit.Check(t, err)
		serving <- r.Reply(ctx, r.Bytes())
	}()
	_, err := req.Do(ctx, []byte("x"))
	testkit.Check(t, err)
	testkit.Check(t, <-serving)
	testkit.Shut(t, req, rep)
	if want := []string{"send req false false 1", "recv req false false 0", "recv done <nil>", "send done <nil>"}; !slices.Equal(q, want) {
		t.Errorf("the requester's saw %q, not %q", q, want)
	}
	if want := []string{"recv rep false false 0", "recv done <nil>", "send rep true true 1", "send done <nil>"}; !slices.Equal(r, want) {
		t.Errorf("the other's saw %q, not %q", r, want)
	}
}

// A failure of the handler is what its interceptor gets, and what that returns is what the request fails with.
func TestInterceptorsOfHandlers(t *testing.T) {
	leak.Check(t)
	bad, worse := errors.New("bad"), errors.New("worse")
	type key struct{}
	var from error
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Interceptors: []spry.Interceptor{spry.InterceptorFuncs{
		Handle: around(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			switch body := string(o.Request().Bytes()); body {
			case "refuse":
				return worse
			case "answer":
				return o.Request().Reply(ctx, []byte("by the interceptor"))
			default:
				from = next(context.WithValue(ctx, key{}, body), o)
				return from
			}
		}),
	}}}})
	req := spry.NewReq(&spry.ReqOptions{Retry: -1})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	serving := make(chan error)
	go func() {
		serving <- rep.Serve(context.Background(), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			if ctx.Value(key{}) == "fail" {
				r.Fail(bad)
				return
			}
			_ = r.Reply(ctx, r.Bytes())
		}))
	}()
	ctx := testkit.Watchdog(t)
	for body, want := range map[string]string{"echo": "echo", "answer": "by the interceptor"} {
		if got, err := req.Do(ctx, []byte(body)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
	for _, body := range []string{"refuse", "fail"} {
		want := map[string]error{"refuse": worse, "fail": bad}[body]
		events := rep.Events(ctx) // from here on
		c, err := req.Start(spry.WrapMessage([]byte(body), nil))
		testkit.Check(t, err)
		for e := range events {
			if e.Kind == spry.EventRequestFailed {
				testkit.Wants(t, e.Err, want)
				break
			}
		}
		c.Cancel()
	}
	testkit.Shut(t, req, rep)
	testkit.Check(t, <-serving)
	if !errors.Is(from, bad) {
		t.Errorf("the interceptor got %v", from)
	}
	if n := rep.Stats().Failed; n != 2 {
		t.Errorf("%d requests failed", n)
	}
}

// A request whose reply the interceptors discard fails, and so does one that they neither send nor refuse.
func TestInterceptedReplies(t *testing.T) {
	leak.Check(t)
	for name, i := range map[string]spry.InterceptorFuncs{
		"discard": {Recv: around(func(ctx context.Context, o *spry.Operation, next spry.OperationFunc) error {
			err := next(ctx, o)
			if len(o.Messages()) > 0 {
				o.Discard(0)
			}
			return err
		})},
		"do not wait": {Recv: around(func(context.Context, *spry.Operation, spry.OperationFunc) error { return nil })},
		"do not ask":  {Send: around(func(context.Context, *spry.Operation, spry.OperationFunc) error { return nil })},
	} {
		t.Run(name, func(t *testing.T) {
			req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Interceptors: []spry.Interceptor{i}}})
			rep := spry.NewRep(nil)
			testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
			serving := make(chan error)
			go func() {
				serving <- rep.Serve(context.Background(), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
					if name != "do not wait" {
						_ = r.Reply(ctx, nil)
					}
				}))
			}()
			ctx := testkit.Watchdog(t)
			_, err := req.Do(ctx, nil)
			testkit.Wants(t, err, spry.ErrIntercepted)
			c, err := req.Start(new(spry.Message))
			if err == nil {
				_, err = c.Wait(ctx)
			}
			testkit.Wants(t, err, spry.ErrIntercepted)
			if ctx.Err() != nil {
				t.Error("a request stayed open until its context ended")
			}
			testkit.Shut(t, req, rep)
			testkit.Check(t, <-serving)
		})
	}
}

type noFunctions struct{ spry.InterceptorFuncs }

func (noFunctions) WrapRecv(spry.OperationFunc) spry.OperationFunc { return nil }

func TestInvalidInterceptors(t *testing.T) {
	leak.Check(t)
	for what, i := range map[string]spry.Interceptor{"Interceptor is nil": nil, "returns no function": noFunctions{}} {
		s := spry.NewPull(&spry.PullOptions{Options: spry.Options{Interceptors: []spry.Interceptor{i}}})
		testkit.Wants(t, s.Err(), spry.ErrConfig, what)
		testkit.Shut(t, s)
	}
}

// SetFrames keeps what the old frames lie in, and all that is not frames.
func TestSetFrames(t *testing.T) {
	released := 0
	m := spry.WrapMessage([]byte("head|body"), func() { released++ })
	m.SetHeader([]byte("header"))
	m.SetFrames(m.Bytes()[5:], []byte("more"))
	clone := m.Clone()
	m.Release()
	if string(clone.Bytes()) != "bodymore" || string(clone.Header()) != "header" || released != 0 {
		t.Errorf("%q behind %q, released %d times", clone.Bytes(), clone.Header(), released)
	}
	clone.SetFrames()
	if n := clone.Len(); n != 0 {
		t.Errorf("without frames, the message has %d bytes", n)
	}
	clone.Release()
	if released != 1 {
		t.Errorf("the memory was released %d times", released)
	}
}
