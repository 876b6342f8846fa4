// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a caller may do wrong: nothing of it ends the process, keeps a socket from being used, or makes Close wait.

// endless is for what would never return.
const endless = 60 * time.Second

// outcome calls f in a goroutine and returns what it panicked with, or nil. It fails if f never returns.
func outcome(t *testing.T, name string, f func()) (panicked any) {
	t.Helper()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	select {
	case p := <-done:
		return p
	case <-time.After(endless):
		t.Fatalf("%s never returned", name)
		return nil
	}
}

// allSockets makes one of every kind.
func allSockets() map[string]func() any {
	return map[string]func() any{
		"Push": func() any { return spry.NewPush(nil) }, "Pull": func() any { return spry.NewPull(nil) },
		"Pub": func() any { return spry.NewPub(nil) }, "Sub": func() any { return spry.NewSub(nil) },
		"Req": func() any { return spry.NewReq(nil) }, "Rep": func() any { return spry.NewRep(nil) },
		"Surveyor": func() any { return spry.NewSurveyor(nil) }, "Respondent": func() any { return spry.NewRespondent(nil) },
		"Bus": func() any { return spry.NewBus(nil) }, "Pair": func() any { return spry.NewPair(nil) },
		"PairPoly": func() any { return spry.NewPairPoly(nil) },
		"RawRep":   func() any { s, _ := spry.NewRaw(spry.ProtocolRep, nil); return s },
		"RawReq":   func() any { s, _ := spry.NewRaw(spry.ProtocolReq, nil); return s },
		"RawBus":   func() any { s, _ := spry.NewRaw(spry.ProtocolBus, nil); return s },
		"RawPair":  func() any { s, _ := spry.NewRaw(spry.ProtocolPair1, nil); return s },
		"zmq.Push": func() any { return zmq.NewPush(nil) }, "zmq.Pull": func() any { return zmq.NewPull(nil) },
		"zmq.Pub": func() any { return zmq.NewPub(nil) }, "zmq.Sub": func() any { return zmq.NewSub(nil) },
		"zmq.XPub": func() any { return zmq.NewXPub(nil) }, "zmq.XSub": func() any { return zmq.NewXSub(nil) },
		"zmq.Req": func() any { return zmq.NewReq(nil) }, "zmq.Rep": func() any { return zmq.NewRep(nil) },
		"zmq.Dealer": func() any { return zmq.NewDealer(nil) }, "zmq.Router": func() any { return zmq.NewRouter(nil) },
		"zmq.Pair": func() any { return zmq.NewPair(nil) }, "zmq.Radio": func() any { return zmq.NewRadio(nil) },
		"zmq.Dish": func() any { return zmq.NewDish(nil) }, "zmq.Server": func() any { return zmq.NewServer(nil) },
		"zmq.Client": func() any { return zmq.NewClient(nil) }, "zmq.Peer": func() any { return zmq.NewPeer(nil) },
	}
}

// A brokenContext panics when it is asked, as a nil pointer to a context of the user's does.
type brokenContext struct{ context.Context }

var contextType = reflect.TypeFor[context.Context]()

// callWith calls a method with ctx and zero values, and, if it returns an iterator, takes one value of that.
func callWith(method reflect.Value, ctx reflect.Value) {
	kind := method.Type()
	args := []reflect.Value{ctx}
	for i := 1; i < kind.NumIn(); i++ {
		if kind.IsVariadic() && i == kind.NumIn()-1 {
			break
		}
		args = append(args, reflect.Zero(kind.In(i)))
	}
	for _, v := range method.Call(args) {
		if v.Kind() != reflect.Func || v.IsNil() || v.Type().NumIn() != 1 || v.Type().In(0).Kind() != reflect.Func {
			continue
		}
		yield := reflect.MakeFunc(v.Type().In(0), func([]reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.ValueOf(false)}
		})
		v.Call([]reflect.Value{yield})
	}
}

// contextMethods are the names of the methods that begin with a context.
func contextMethods(s any) (names []string) {
	kind := reflect.TypeOf(s)
	for m := range kind.Methods() {
		if f := m.Type; f.NumIn() > 1 && f.In(1) == contextType {
			names = append(names, m.Name)
		}
	}
	return names
}

// Every method takes a nil context for context.Background, and one that cannot be asked does no more than panic in its
// caller's goroutine. Whatever happens, the socket closes.
func TestNoMethodMindsItsContext(t *testing.T) {
	leak.Check(t)
	calls := 0
	for name, open := range allSockets() {
		for _, method := range contextMethods(open()) {
			for _, broken := range []bool{false, true} {
				s := open()
				ctx := reflect.Zero(contextType)
				if broken {
					ctx = reflect.ValueOf((*brokenContext)(nil)).Convert(contextType)
				}
				returned := make(chan any, 1)
				began := make(chan struct{})
				go func() {
					defer func() { returned <- recover() }()
					close(began)
					callWith(reflect.ValueOf(s).MethodByName(method), ctx)
				}()
				<-began
				closing := s.(interface{ Close() error })
				what := fmt.Sprintf("%s.%s, broken context: %v", name, method, broken)
				if p := outcome(t, "Close beside "+what, func() { _ = closing.Close() }); p != nil {
					t.Errorf("%s: Close panicked: %v", what, p)
				}
				select {
				case p := <-returned:
					if p != nil && !broken {
						t.Errorf("%s panicked: %v", what, p)
					}
				case <-time.After(endless):
					t.Fatalf("%s never returned, although its socket was closed", what)
				}
				calls++
			}
		}
	}
	t.Logf("%d calls", calls)
}

// A context that panics while a call waits leaves neither a lock nor a place in the line taken.
func TestBrokenContextLosesNoWake(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.CloseAll(t, push, pull)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	var broken *brokenContext
	for _, f := range []func(){
		func() { _, _ = pull.Recv(broken) },
		func() { _, _ = pull.RecvMsg(broken) },
		func() { _ = push.WaitPipes(broken, 99) },
		func() { _ = push.Flush(broken) },
		func() { _ = pull.Shutdown(broken) },
		func() { _, _ = push.Dial(broken, "tcp://127.0.0.1:1") },
	} {
		outcome(t, "a call with a broken context", f)
	}
	for range 100 {
		testkit.Check(t, push.Send(ctx, []byte("x")))
		if _, err := pull.Recv(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// A handler that releases, or sends on, its request's message before it replies does no harm, and neither does any other
// handler that panics.
func TestReleaseBeforeReply(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		rep, req := spry.NewRep(&spry.RepOptions{Options: l.options}), spry.NewReq(&spry.ReqOptions{Options: l.options, FailFast: true})
		l.join(t, req, rep)
		handled := make(chan error, 1)
		go func() {
			handled <- rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, q *spry.Request) {
				switch string(q.Bytes()) {
				case "released":
					q.Message().Release()
				case "released twice":
					m := q.Message()
					c := *m
					m.Release()
					c.Release()
				case "panics":
					panic("of the user")
				case "replied with":
					testkit.Check(t, q.ReplyMsg(ctx, q.Message()))
					return
				case "nil":
					testkit.Check(t, q.ReplyMsg(ctx, nil))
					return
				}
				testkit.Check(t, q.Reply(ctx, []byte("reply")))
			}))
		}()
		for range 20 {
			for body, want := range map[string]string{
				"good": "reply", "released": "reply", "released twice": "reply", "replied with": "replied with", "nil": "",
			} {
				got, err := req.Do(ctx, []byte(body))
				if err != nil || string(got) != want {
					t.Fatalf("the request %q: %q, %v", body, got, err)
				}
			}
		}
		c, err := req.Start(spry.WrapMessage([]byte("panics"), nil))
		testkit.Check(t, err)
		testkit.Eventually(t, "the panic is counted", func() bool { return rep.Stats().Panics == 1 })
		c.Cancel()
		if _, err := req.Do(ctx, []byte("good")); err != nil {
			t.Errorf("after a handler that panicked: %v", err)
		}
		testkit.Shut(t, req, rep)
		testkit.Check(t, <-handled)
	})
}

// Two copies of one message have one reference: releasing and sending both must not give memory away that others read.
func TestCopiedMessage(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		const messages = 2000
		sent := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < messages && err == nil; i++ {
				m := spry.NewMessage(0)
				_, _ = m.Write([]byte(strings.Repeat(fmt.Sprintf("%08d", i), 8)))
				c := *m // which is the misuse
				err = push.SendMsg(ctx, m)
				c.Release()
				m.Release()
			}
			sent <- err
		}()
		kept := make([]*spry.Message, messages)
		for i := range kept {
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			kept[i] = m.Clone()
			c := *m // which is the misuse
			m.Release()
			c.Release()
			spry.ReleaseMessages([]*spry.Message{&c, m, nil})
		}
		testkit.Check(t, <-sent)
		for i, m := range kept {
			if want := strings.Repeat(fmt.Sprintf("%08d", i), 8); string(m.Bytes()) != want {
				t.Fatalf("message %d became %q", i, m.Bytes())
			}
		}
		testkit.Shut(t, push, pull)
	})
}

// A release callback runs under no lock: it may panic, and call the socket that it comes from.
func TestReleaseCallbackMayDoAnything(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		for _, size := range []int{10, 20_000, 300_000} {
			ran := make(chan struct{})
			m := spry.WrapMessage(make([]byte, size), func() {
				defer close(ran)
				_ = push.Stats()
				testkit.Check(t, push.Send(ctx, []byte("from the callback")))
				panic("of the user")
			})
			testkit.Check(t, push.SendMsg(ctx, m))
			first, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			first.Detach()
			if p := outcome(t, "Release", first.Release); p != nil && !strings.HasPrefix(l.scheme, "inproc") {
				t.Errorf("Release panicked: %v", p)
			}
			<-ran
			if _, err := pull.Recv(ctx); err != nil {
				t.Fatal(err)
			}
		}
		closed := make(chan error, 1)
		testkit.Check(t, push.SendMsg(ctx, spry.WrapMessage(make([]byte, 20_000), func() { closed <- push.Close() })))
		m, err := pull.RecvMsg(ctx)
		testkit.Check(t, err)
		m.Release()
		testkit.Check(t, <-closed)
		testkit.Shut(t, push, pull)
	})
}

// A nil message is an empty one, alone and in a batch.
func TestNilMessages(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		testkit.Check(t, push.SendMsg(ctx, nil))
		testkit.Check(t, push.TrySendMsg(nil))
		full := spry.NewMessage(1)
		_, _ = full.Write([]byte("x"))
		if n, err := push.SendBatch(ctx, []*spry.Message{nil, full, nil}); n != 3 || err != nil {
			t.Errorf("a batch with nil messages: %d, %v", n, err)
		}
		for _, want := range []string{"", "", "", "x", ""} {
			if got, err := pull.Recv(ctx); err != nil || string(got) != want {
				t.Errorf("received %q, %v; want %q", got, err, want)
			}
		}
		testkit.Shut(t, push, pull)
	})
	var m *spry.Message
	if m.Len()+len(m.Bytes())+len(m.Header()) != 0 || m.Pipe() != nil || m.Clone().Len() != 0 {
		t.Error("a nil message is not empty")
	}
	m.Release()
}

// What is nil and must not be is refused with ErrConfig, by a socket that works on.
func TestNilArguments(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	rep, bus := spry.NewRep(nil), spry.NewBus(nil)
	testkit.CloseAll(t, push, pull, rep, bus)
	var conn *net.TCPConn
	var listener *net.TCPListener
	var noPull *spry.Pull
	var router *zmq.Router
	var security *zmq.CurveServer
	merged := func(rs ...spry.Receiver) error {
		for _, err := range spry.Merge(ctx, rs...) {
			return err
		}
		return nil
	}
	last := func(_ any, err error) error { return err }
	dealer := zmq.NewDealer(nil)
	defer dealer.Close()
	secured := spry.NewPush(&spry.PushOptions{Options: spry.Options{Security: security}})
	defer secured.Close()
	for name, f := range map[string]func() error{
		"DialWith":           func() error { return last(push.DialWith(ctx, nil)) },
		"ListenWith":         func() error { return last(push.ListenWith(ctx, nil)) },
		"ListenOn":           func() error { return last(push.ListenOn(nil, nil)) },
		"ListenOn typed":     func() error { return last(push.ListenOn(listener, nil)) },
		"Attach":             func() error { return last(push.Attach(ctx, nil, nil)) },
		"Attach typed":       func() error { return last(push.Attach(ctx, conn, nil)) },
		"ListenOnLinks":      func() error { return last(push.ListenOnLinks(nil, nil)) },
		"AttachLink":         func() error { return last(push.AttachLink(ctx, nil, nil)) },
		"Serve":              func() error { return rep.Serve(ctx, 1, nil) },
		"HandlerFunc":        func() error { return rep.Serve(ctx, 1, spry.HandlerFunc(nil)) },
		"Merge":              func() error { return merged(nil) },
		"Merge typed":        func() error { return merged(pull, noPull) },
		"Proxy":              func() error { return spry.Proxy(ctx, nil, nil, nil) },
		"zmq.Proxy":          func() error { return zmq.Proxy(ctx, nil, nil, nil) },
		"zmq.Proxy typed":    func() error { return zmq.Proxy(ctx, router, dealer, nil) },
		"zmq.Proxy second":   func() error { return zmq.Proxy(ctx, dealer, router, nil) },
		"zmq.Proxy capture":  func() error { return zmq.Proxy(ctx, dealer, dealer, &zmq.ProxyOptions{Capture: (*zmq.Push)(nil)}) },
		"Options.Security":   func() error { return last(secured.Listen(ctx, "tcp://127.0.0.1:0")) },
		"zmq.Server.SendTo":  func() error { s := zmq.NewServer(nil); defer s.Close(); return s.SendTo(ctx, nil, nil) },
		"PairPoly.SendTo":    func() error { s := spry.NewPairPoly(nil); defer s.Close(); return s.SendTo(ctx, nil, nil) },
		"Router.SendMsg nil": func() error { s := zmq.NewRouter(nil); defer s.Close(); return s.SendMsg(ctx, nil) },
		"Radio.SendMsg nil":  func() error { s := zmq.NewRadio(nil); defer s.Close(); return s.SendMsg(ctx, nil) },
	} {
		var err error
		if p := outcome(t, name, func() { err = f() }); p != nil {
			t.Errorf("%s panicked: %v", name, p)
		}
		if !errors.Is(err, spry.ErrConfig) && !errors.Is(err, spry.ErrNoPeer) && !errors.Is(err, zmq.ErrFrames) {
			t.Errorf("%s: %v; want ErrConfig", name, err)
		}
	}
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	testkit.Check(t, push.Send(ctx, []byte("x")))
	if _, err := pull.Recv(ctx); err != nil {
		t.Error(err)
	}
}

// brokenSocket panics whatever it is asked.
type brokenSocket struct{}

func (brokenSocket) RecvMsg(context.Context) (*spry.Message, error) { panic("of the user") }
func (brokenSocket) SendMsg(context.Context, *spry.Message) error   { panic("of the user") }

type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { panic("of the user") }

type brokenLog struct{ slog.Handler }

func (brokenLog) Enabled(context.Context, slog.Level) bool { panic("of the user") }

// Code of the user that runs in the library's goroutines may panic: each time it costs what was to be done, and is reported.
func TestPanicsOfTheUsersCode(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for _, err := range spry.Merge(ctx, brokenSocket{}) {
		if err == nil || !strings.Contains(err.Error(), "panicked") {
			t.Errorf("Merge of a receiver that panics: %v", err)
		}
	}
	in, out := zmq.NewPull(nil), zmq.NewPush(nil)
	testkit.CloseAll(t, in, out)
	feed := zmq.NewPush(nil)
	testkit.DialTo(t, feed, testkit.ListenOn(t, in, "inproc"))
	testkit.Check(t, feed.Send(ctx, []byte("x")))
	if err := zmq.Proxy(ctx, in, out, &zmq.ProxyOptions{Capture: brokenSocket{}}); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("a proxy whose Capture panics: %v", err)
	}
	testkit.Check(t, feed.Close())
	var accepts atomic.Int32
	options := spry.Options{
		Logger: slog.New(brokenLog{slog.DiscardHandler}),
		Trace:  func(spry.Event) { accepts.Add(1); panic("of the user") },
	}
	pull, push := spry.NewPull(&spry.PullOptions{Options: options}), spry.NewPush(&spry.PushOptions{Options: options})
	testkit.CloseAll(t, push, pull)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	_, err = pull.ListenOn(brokenListener{l}, nil)
	testkit.Check(t, err)
	e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("of the user") },
	}})
	testkit.Check(t, err)
	if _, err := push.DialWith(ctx, testkit.DialerTo(e)); err == nil {
		t.Error("a handshake without a certificate succeeded")
	}
	_, err = push.DialWith(ctx, &spry.DialConfig{URL: "tcp://127.0.0.1:1", DialContext: func(context.Context, string, string) (net.Conn, error) {
		panic("of the user")
	}})
	if err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("a DialContext that panics: %v", err)
	}
	testkit.Eventually(t, "panics are counted", func() bool { return pull.Stats().Panics > 2 && push.Stats().Panics > 2 && accepts.Load() > 0 })
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	testkit.Check(t, push.Send(ctx, []byte("x")))
	if _, err := pull.Recv(ctx); err != nil {
		t.Error(err)
	}
}
