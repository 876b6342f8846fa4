// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// The one rule for a context that has ended before the call: the call fails with the context's error at once, whether or not it
// would have had to wait, and changes nothing.

// endedContext has been cancelled.
func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// worksWithoutTime are the methods that do their work even then: they close the socket.
var worksWithoutTime = map[string]bool{"Shutdown": true, "Drain": true, "Close": true}

// mistaken are the methods that fail for their zero arguments before anything else.
var mistaken = map[string]bool{"DialWith": true, "ListenWith": true, "Attach": true, "AttachLink": true}

func TestNoMethodOutlivesItsContext(t *testing.T) {
	leak.Check(t)
	calls := 0
	for name, open := range allSockets() {
		for _, method := range contextMethods(open()) {
			if worksWithoutTime[method] || mistaken[method] {
				continue
			}
			s := open()
			what := fmt.Sprintf("%s.%s", name, method)
			var err error
			if p := outcome(t, what, func() { err = failureOf(reflect.ValueOf(s).MethodByName(method)) }); p != nil {
				t.Errorf("%s panicked: %v", what, p)
			}
			names := errors.Is(err, spry.ErrNoPeer) || errors.Is(err, zmq.ErrFrames) // arguments that name no peer, or no group
			if method != "Events" && !names && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
			testkit.Check(t, s.(interface{ Close() error }).Close())
			calls++
		}
	}
	t.Logf("%d calls", calls)
}

// failureOf calls a method with an ended context and zero values, and returns its error, or the one that its iterator yields. A
// channel is closed instead.
func failureOf(method reflect.Value) (err error) {
	kind := method.Type()
	args := []reflect.Value{reflect.ValueOf(endedContext())}
	for i := 1; i < kind.NumIn() && !(kind.IsVariadic() && i == kind.NumIn()-1); i++ {
		arg := reflect.Zero(kind.In(i))
		switch v := kind.In(i); {
		case v == reflect.TypeFor[*spry.Message]():
			arg = reflect.ValueOf(spry.WrapMessage([]byte("x"), nil))
		case v == reflect.TypeFor[[]*spry.Message]():
			arg = reflect.ValueOf([]*spry.Message{spry.WrapMessage([]byte("x"), nil)})
		case v == reflect.TypeFor[[][]byte]():
			arg = reflect.ValueOf([][]byte{[]byte("x")})
		case v == reflect.TypeFor[[]*spry.Request]():
			arg = reflect.ValueOf(make([]*spry.Request, 1))
		case v == reflect.TypeFor[spry.Handler]():
			arg = reflect.ValueOf(spry.HandlerFunc(func(context.Context, *spry.Request) {}))
		}
		args = append(args, arg)
	}
	for _, v := range method.Call(args) {
		switch {
		case v.Type() == reflect.TypeFor[error]():
			err, _ = reflect.TypeAssert[error](v)
		case v.Kind() == reflect.Chan:
			if _, open := v.Recv(); !open {
				err = context.Canceled
			}
		case v.Kind() == reflect.Func && v.Type().NumIn() == 1 && v.Type().In(0).Kind() == reflect.Func:
			v.Call([]reflect.Value{reflect.MakeFunc(v.Type().In(0), func(yielded []reflect.Value) []reflect.Value {
				err, _ = reflect.TypeAssert[error](yielded[len(yielded)-1])
				return []reflect.Value{reflect.ValueOf(false)}
			})})
		}
	}
	return err
}

// queued has sockets that a message waits at, and how it is received.
type queued struct {
	name     string
	from, to testkit.Attacher
	send     func() error
	recv     map[string]func(ctx context.Context) (string, error)
}

func bodyOf(m *spry.Message, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer m.Release()
	body := m.Bytes()
	return string(body[len(body)-1:]), nil // where the sender's identity comes first too
}

// verbs are the receiving verbs of a socket.
func verbs(s interface {
	RecvMsg(ctx context.Context) (*spry.Message, error)
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
},
) map[string]func(ctx context.Context) (string, error) {
	all := map[string]func(ctx context.Context) (string, error){
		"RecvMsg": func(ctx context.Context) (string, error) { return bodyOf(s.RecvMsg(ctx)) },
		"RecvBatch": func(ctx context.Context) (string, error) {
			dst := make([]*spry.Message, 1)
			_, err := s.RecvBatch(ctx, dst)
			return bodyOf(dst[0], err)
		},
	}
	if r, ok := s.(interface {
		Bodies(ctx context.Context) iter.Seq2[[]byte, error]
	}); ok {
		all["Bodies"] = func(ctx context.Context) (string, error) {
			for body, err := range r.Bodies(ctx) {
				return string(body), err
			}
			return "", nil
		}
	}
	if r, ok := s.(interface {
		Recv(ctx context.Context) ([]byte, error)
	}); ok {
		all["Recv"] = func(ctx context.Context) (string, error) {
			b, err := r.Recv(ctx)
			return string(b), err
		}
	}
	if r, ok := s.(interface {
		Recv(ctx context.Context) ([][]byte, error)
	}); ok {
		all["Recv"] = func(ctx context.Context) (string, error) {
			frames, err := r.Recv(ctx)
			if err != nil {
				return "", err
			}
			return string(frames[len(frames)-1]), nil
		}
	}
	return all
}

func requests(s interface {
	Recv(ctx context.Context) (*spry.Request, error)
},
) map[string]func(ctx context.Context) (string, error) {
	return map[string]func(ctx context.Context) (string, error){"Recv": func(ctx context.Context) (string, error) {
		r, err := s.Recv(ctx)
		if err != nil {
			return "", err
		}
		defer r.Discard()
		return string(r.Bytes()), nil
	}}
}

func allQueued(t *testing.T, l link) []queued {
	t.Helper()
	ctx, x := testkit.Watchdog(t), []byte("x")
	o := l.options
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
	bus, other := spry.NewBus(&spry.BusOptions{Options: o}), spry.NewBus(&spry.BusOptions{Options: o})
	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	asked, raw := spry.NewReq(&spry.ReqOptions{Options: o}), must(spry.NewRaw(spry.ProtocolRep, &o))
	pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
	testkit.Check(t, sub.Subscribe(""))
	ask := func(r *spry.Req) func() error {
		return func() error {
			c, err := r.Start(spry.WrapMessage(x, nil))
			if err == nil {
				t.Cleanup(c.Cancel)
			}
			return err
		}
	}
	return []queued{
		{name: "Pull", from: push, to: pull, send: func() error { return push.Send(ctx, x) }, recv: verbs(pull)},
		{name: "Pair", from: a, to: b, send: func() error { return a.Send(ctx, x) }, recv: verbs(b)},
		{name: "Bus", from: bus, to: other, send: func() error { return bus.Send(ctx, x) }, recv: verbs(other)},
		{name: "Rep", from: req, to: rep, send: ask(req), recv: requests(rep)},
		{name: "Raw", from: asked, to: raw, send: ask(asked), recv: verbs(raw)},
		{name: "Sub", from: pub, to: sub, send: func() error { return pub.Send(ctx, x) }, recv: verbs(sub)},
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A receiver whose context has ended leaves a waiting message to the next one.
func TestEndedContextTakesNothing(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		for _, q := range allQueued(t, l) {
			l.join(t, q.from, q.to)
			takesNothing(t, q)
			testkit.Shut(t, q.from, q.to)
		}
	})
}

func TestEndedContextTakesNothingFromZMQ(t *testing.T) {
	leak.Check(t)
	ctx, x := testkit.Watchdog(t), []byte("x")
	dealer, router := zmq.NewDealer(nil), zmq.NewRouter(nil)
	client, server := zmq.NewClient(nil), zmq.NewServer(nil)
	pub, sub := zmq.NewPub(nil), zmq.NewXSub(nil)
	testkit.Check(t, sub.Subscribe(""))
	for _, q := range []queued{
		{name: "Router", from: dealer, to: router, send: func() error { return dealer.Send(ctx, x) }, recv: verbs(router)},
		{name: "Server", from: client, to: server, send: func() error { return client.Send(ctx, x) }, recv: verbs(server)},
		{name: "XSub", from: pub, to: sub, recv: verbs(sub), send: func() error {
			testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
			return pub.Send(ctx, x)
		}},
	} {
		testkit.DialTo(t, q.from, testkit.ListenOn(t, q.to, "tcp"))
		takesNothing(t, q)
		testkit.Shut(t, q.from, q.to)
	}
}

func takesNothing(t *testing.T, q queued) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	for verb, recv := range q.recv {
		testkit.Check(t, q.send())
		testkit.Eventually(t, q.name+": the message waits", func() bool { return q.to.Stats().Recv.Queued == 1 })
		if got, err := recv(endedContext()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s.%s with an ended context: %q, %v", q.name, verb, got, err)
		}
		if got, err := recv(ctx); got != "x" || err != nil {
			t.Errorf("%s.%s afterwards: %q, %v", q.name, verb, got, err)
		}
	}
}

// A sender whose context has ended queues nothing, although there is room, and the message is as it was.
func TestEndedContextSendsNothing(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		o := l.options
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
		for _, p := range []struct {
			from, to testkit.Attacher
			sender   spry.Sender
			batch    func(ctx context.Context, ms []*spry.Message) (int, error)
			bodies   func(ctx context.Context, bodies [][]byte) (int, error)
		}{{push, pull, push, push.SendBatch, push.SendBodies}, {pub, sub, pub, pub.SendBatch, pub.SendBodies}} {
			l.join(t, p.from, p.to)
			m := spry.WrapMessage([]byte("x"), nil)
			if err := p.sender.SendMsg(endedContext(), m); !errors.Is(err, context.Canceled) || string(m.Bytes()) != "x" {
				t.Errorf("SendMsg: %v, and the message is %q", err, m.Bytes())
			}
			if n, err := p.batch(endedContext(), []*spry.Message{m}); n != 0 || !errors.Is(err, context.Canceled) || string(m.Bytes()) != "x" {
				t.Errorf("SendBatch: %d, %v, and the message is %q", n, err, m.Bytes())
			}
			if n, err := p.bodies(endedContext(), [][]byte{[]byte("x")}); n != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("SendBodies: %d, %v", n, err)
			}
			if n := p.from.Stats().Send.Offered; n != 0 {
				t.Errorf("%d messages were offered", n)
			}
			testkit.Shut(t, p.from, p.to)
		}
	})
}

// Wait of a call that has its reply leaves that to the next Wait; of another call it is the end.
func TestEndedContextOfWait(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		call := func() *spry.Call { return must(req.Start(spry.WrapMessage([]byte("x"), nil))) }
		answered := call()
		r, err := rep.Recv(ctx)
		testkit.Check(t, err)
		if err := r.Reply(endedContext(), []byte("y")); !errors.Is(err, context.Canceled) {
			t.Errorf("Reply with an ended context: %v", err)
		}
		testkit.Check(t, r.Reply(ctx, []byte("y")))
		testkit.Eventually(t, "the reply is there", func() bool { return req.Stats().Recv.Delivered == 1 })
		if _, err := answered.Wait(endedContext()); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait with an ended context: %v", err)
		}
		if got, err := bodyOf(answered.Wait(ctx)); got != "y" || err != nil {
			t.Errorf("Wait afterwards: %q, %v", got, err)
		}
		open := call()
		for range 2 { // the second with the error of the first
			if _, err := open.Wait(endedContext()); !errors.Is(err, context.Canceled) {
				t.Errorf("Wait of an open call: %v", err)
			}
		}
		if _, err := open.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait of a call that was given up: %v", err)
		}
		if _, err := req.Do(endedContext(), []byte("x")); !errors.Is(err, context.Canceled) || req.Stats().Send.Offered != 2 {
			t.Errorf("Do: %v, and %d requests were offered", err, req.Stats().Send.Offered)
		}
		testkit.Shut(t, req, rep)
	})
}

// The deadline of a survey, unlike a context that has ended, does not keep the question from being sent.
func TestSurveyIsSentWhateverItsDeadline(t *testing.T) {
	surveyor, respondent := spry.NewSurveyor(&spry.SurveyorOptions{Deadline: 1}), spry.NewRespondent(nil)
	testkit.CloseAll(t, surveyor, respondent)
	testkit.DialTo(t, surveyor, testkit.ListenOn(t, respondent, "inproc"))
	for m, err := range surveyor.Survey(testkit.Watchdog(t), []byte("q")) {
		t.Errorf("an answer: %v, %v", m, err)
	}
	r, err := respondent.Recv(testkit.Watchdog(t))
	testkit.Check(t, err)
	if string(r.Bytes()) != "q" {
		t.Errorf("got %q", r.Bytes())
	}
}
