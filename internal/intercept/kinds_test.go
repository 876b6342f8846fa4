// SPDX-License-Identifier: MIT

package intercept_test

import (
	"context"
	"iter"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// passing counts the messages that the interceptor of one socket has seen, on the way out and on the way in.
type passing struct{ sent, received, handled atomic.Int64 }

func (p *passing) options() spry.Options {
	counting := func(n *atomic.Int64, after bool) func(spry.OperationFunc) spry.OperationFunc {
		return func(next spry.OperationFunc) spry.OperationFunc {
			return func(ctx context.Context, o *spry.Operation) error {
				before := len(o.Messages())
				err := next(ctx, o)
				if after {
					before = len(o.Messages())
				}
				if err == nil {
					n.Add(int64(before))
				}
				return err
			}
		}
	}
	return spry.Options{Linger: -1, Interceptors: []spry.Interceptor{spry.InterceptorFuncs{
		Send: counting(&p.sent, false), Recv: counting(&p.received, true), Handle: counting(&p.handled, false),
	}}}
}

// An intercepted kind of socket, with a peer that it is joined to.
type intercepted struct {
	make func(o spry.Options) testkit.Socket
	peer func() testkit.Socket
	feed func(t *testing.T, peer testkit.Socket) // sends one message to the socket; nil: it does not receive
}

func sendMsg(t *testing.T, peer testkit.Socket) {
	testkit.Check(t, peer.(spry.Sender).SendMsg(testkit.Watchdog(t), zmq.NewMessage([]byte("m"))))
}

func sendToPipe(t *testing.T, peer testkit.Socket) {
	for to := range peer.(interface{ Pipes() iter.Seq[*spry.Pipe] }).Pipes() {
		testkit.Check(t, peer.(interface {
			SendTo(ctx context.Context, to *spry.Pipe, body []byte) error
		}).SendTo(testkit.Watchdog(t), to, []byte("m")))
	}
}

func raw(p spry.Protocol) func(o spry.Options) testkit.Socket {
	return func(o spry.Options) testkit.Socket {
		s, err := spry.NewRaw(p, &o)
		if err != nil {
			panic(err)
		}
		return s
	}
}

var interceptedKinds = map[string]intercepted{
	"spry.Push": {func(o spry.Options) testkit.Socket { return spry.NewPush(&spry.PushOptions{Options: o}) }, func() testkit.Socket { return spry.NewPull(nil) }, nil},
	"spry.Pull": {func(o spry.Options) testkit.Socket { return spry.NewPull(&spry.PullOptions{Options: o}) }, func() testkit.Socket { return spry.NewPush(nil) }, sendMsg},
	"spry.Pair": {func(o spry.Options) testkit.Socket { return spry.NewPair(&spry.PairOptions{Options: o}) }, func() testkit.Socket { return spry.NewPair(nil) }, sendMsg},
	"spry.PairPoly": {
		func(o spry.Options) testkit.Socket { return spry.NewPairPoly(&spry.PairOptions{Options: o}) },
		func() testkit.Socket { return spry.NewPair(nil) }, sendMsg,
	},
	"spry.Pub": {func(o spry.Options) testkit.Socket { return spry.NewPub(&spry.PubOptions{Options: o}) }, func() testkit.Socket { return spry.NewSub(nil) }, nil},
	"spry.Sub": {func(o spry.Options) testkit.Socket { return spry.NewSub(&spry.SubOptions{Options: o}) }, func() testkit.Socket { return spry.NewPub(nil) }, sendMsg},
	"spry.Bus": {func(o spry.Options) testkit.Socket { return spry.NewBus(&spry.BusOptions{Options: o}) }, func() testkit.Socket { return spry.NewBus(nil) }, sendMsg},
	"spry.Req": {func(o spry.Options) testkit.Socket { return spry.NewReq(&spry.ReqOptions{Options: o}) }, func() testkit.Socket { return spry.NewRep(nil) }, nil},
	"spry.Rep": {func(o spry.Options) testkit.Socket { return spry.NewRep(&spry.RepOptions{Options: o}) }, func() testkit.Socket { return spry.NewReq(nil) }, askOne},
	"spry.Surveyor": {
		func(o spry.Options) testkit.Socket { return spry.NewSurveyor(&spry.SurveyorOptions{Options: o}) },
		func() testkit.Socket { return spry.NewRespondent(nil) }, nil,
	},
	"spry.Respondent": {
		func(o spry.Options) testkit.Socket { return spry.NewRespondent(&spry.RespondentOptions{Options: o}) },
		func() testkit.Socket { return spry.NewSurveyor(nil) }, survey,
	},
	"spry.Raw": {raw(spry.ProtocolPair1), func() testkit.Socket { return spry.NewPair(nil) }, sendMsg},

	"zmq.Push": {func(o spry.Options) testkit.Socket { return zmq.NewPush(&zmq.PushOptions{Options: o}) }, func() testkit.Socket { return zmq.NewPull(nil) }, nil},
	"zmq.Pull": {func(o spry.Options) testkit.Socket { return zmq.NewPull(&zmq.PullOptions{Options: o}) }, func() testkit.Socket { return zmq.NewPush(nil) }, sendMsg},
	"zmq.Pair": {func(o spry.Options) testkit.Socket { return zmq.NewPair(&o) }, func() testkit.Socket { return zmq.NewPair(nil) }, sendMsg},
	"zmq.Channel": {
		func(o spry.Options) testkit.Socket { return zmq.NewChannel(&o) },
		func() testkit.Socket { return zmq.NewChannel(nil) }, sendMsg,
	},
	"zmq.Dealer": {
		func(o spry.Options) testkit.Socket { return zmq.NewDealer(&zmq.DealerOptions{Options: o}) },
		func() testkit.Socket { return zmq.NewDealer(nil) }, sendMsg,
	},
	"zmq.Router": {
		func(o spry.Options) testkit.Socket { return zmq.NewRouter(&zmq.RouterOptions{Options: o}) },
		func() testkit.Socket { return zmq.NewDealer(&zmq.DealerOptions{Options: spry.Options{Identity: "m"}}) }, sendMsg,
	},
	"zmq.Client": {func(o spry.Options) testkit.Socket { return zmq.NewClient(&o) }, func() testkit.Socket { return zmq.NewServer(nil) }, sendToPipe},
	"zmq.Server": {func(o spry.Options) testkit.Socket { return zmq.NewServer(&o) }, func() testkit.Socket { return zmq.NewClient(nil) }, sendMsg},
	"zmq.Peer":   {func(o spry.Options) testkit.Socket { return zmq.NewPeer(&o) }, func() testkit.Socket { return zmq.NewPeer(nil) }, sendToPipe},
	"zmq.Scatter": {
		func(o spry.Options) testkit.Socket { return zmq.NewScatter(&o) },
		func() testkit.Socket { return zmq.NewGather(nil) }, nil,
	},
	"zmq.Gather": {func(o spry.Options) testkit.Socket { return zmq.NewGather(&o) }, func() testkit.Socket { return zmq.NewScatter(nil) }, sendMsg},
	"zmq.Pub":    {func(o spry.Options) testkit.Socket { return zmq.NewPub(&zmq.PubOptions{Options: o}) }, func() testkit.Socket { return zmq.NewSub(nil) }, nil},
	"zmq.Sub":    {func(o spry.Options) testkit.Socket { return zmq.NewSub(&zmq.SubOptions{Options: o}) }, func() testkit.Socket { return zmq.NewPub(nil) }, sendMsg},
	"zmq.XPub":   {func(o spry.Options) testkit.Socket { return zmq.NewXPub(&zmq.XPubOptions{Options: o}) }, func() testkit.Socket { return zmq.NewXSub(nil) }, sendMsg},
	"zmq.XSub":   {func(o spry.Options) testkit.Socket { return zmq.NewXSub(&zmq.XSubOptions{Options: o}) }, func() testkit.Socket { return zmq.NewXPub(nil) }, sendMsg},
	"zmq.Radio":  {func(o spry.Options) testkit.Socket { return zmq.NewRadio(&zmq.RadioOptions{Options: o}) }, func() testkit.Socket { return zmq.NewDish(nil) }, nil},
	"zmq.Dish": {
		func(o spry.Options) testkit.Socket { return zmq.NewDish(&zmq.DishOptions{Options: o}) },
		func() testkit.Socket { return zmq.NewRadio(nil) },
		func(t *testing.T, peer testkit.Socket) {
			testkit.Check(t, peer.(*zmq.Radio).Send(testkit.Watchdog(t), "m", []byte("m")))
		},
	},
	"zmq.Req": {func(o spry.Options) testkit.Socket { return zmq.NewReq(&zmq.ReqOptions{Options: o}) }, func() testkit.Socket { return zmq.NewRep(nil) }, nil},
	"zmq.Rep": {
		func(o spry.Options) testkit.Socket { return zmq.NewRep(&zmq.RepOptions{Options: o}) },
		func() testkit.Socket { return zmq.NewReq(&zmq.ReqOptions{Correlate: true}) }, askOne,
	},
}

// askOne sends a request whose reply nobody waits for.
func askOne(t *testing.T, peer testkit.Socket) {
	_, err := peer.(interface {
		Start(m *spry.Message) (*spry.Call, error)
	}).Start(zmq.NewMessage([]byte("m")))
	testkit.Check(t, err)
}

func survey(t *testing.T, peer testkit.Socket) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for range peer.(*spry.Surveyor).Survey(ctx, []byte("m")) {
		}
	}()
}

// Methods that neither send nor receive messages, beside those of spry.Socket. A new method that does belongs to the functions below.
var quietMethods = []string{
	"Drain", "Subscribe", "Unsubscribe", "Open", "WaitSubscribers", "Join", "Leave", "Pipe", "Protocol",
	"Subscriptions", // of an XPub: changes, not messages
}

// joined is a socket of this kind with interceptors, and its peer.
func joined(t *testing.T, k intercepted, p *passing) (s, peer testkit.Socket) {
	t.Helper()
	s, peer = k.make(p.options()), k.peer()
	testkit.DialTo(t, s, testkit.ListenOn(t, peer, "inproc"))
	testkit.Check(t, s.WaitPipes(testkit.Watchdog(t), 1))
	testkit.Check(t, peer.WaitPipes(testkit.Watchdog(t), 1))
	switch s := s.(type) {
	case interface{ Subscribe(...string) error }:
		testkit.Check(t, s.Subscribe(""))
	case *zmq.Dish:
		testkit.Check(t, s.Join("m"))
	}
	if w, ok := peer.(interface {
		WaitSubscribers(ctx context.Context, topic string, n int) error
	}); ok {
		testkit.Check(t, w.WaitSubscribers(testkit.Watchdog(t), "m", 1))
	}
	return s, peer
}

// Every exported method of every kind of socket that sends or receives passes the interceptors, once for each message. A method that
// is new is in none of the tables, and fails.
func TestEveryMethodIsIntercepted(t *testing.T) {
	known := reflect.TypeFor[*spry.Socket]()
	for name, k := range interceptedKinds {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			probe := k.make(spry.Options{})
			kind := reflect.TypeOf(probe)
			testkit.Shut(t, probe)
			if got := strings.TrimPrefix(kind.String(), "*"); got != name {
				t.Fatalf("the socket is a %s", got)
			}
			for method := range kind.Methods() {
				if _, ok := known.MethodByName(method.Name); ok || slices.Contains(quietMethods, method.Name) {
					continue
				}
				t.Run(method.Name, func(t *testing.T) { passes(t, k, method.Name) })
			}
		})
	}
}

func passes(t *testing.T, k intercepted, method string) {
	var p passing
	s, peer := joined(t, k, &p)
	defer func() {
		_ = peer.Close()
		_ = s.Close()
	}()
	wantSent, wantReceived, wantHandled := 0, 0, 0
	switch {
	case sendingMethods[method] != nil:
		wantSent = sendingMethods[method](t, s)
	case askingMethods[method] != nil:
		serving := make(chan error, 1)
		server := peer.(interface {
			Serve(context.Context, int, spry.Handler) error
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			serving <- server.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
				testkit.Check(t, r.Reply(ctx, r.Bytes()))
			}))
		}()
		wantSent = askingMethods[method](t, s)
		wantReceived = wantSent
		cancel()
		<-serving
	case receivingMethods[method] != nil:
		k.feed(t, peer)
		wantReceived = receivingMethods[method](t, s)
		if method == "Serve" {
			wantHandled = 1
		}
	default:
		t.Fatalf("nobody says whether %s sends or receives: add it to a table above, and see to it that it passes the interceptors", method)
	}
	if sent, received, handled := p.sent.Load(), p.received.Load(), p.handled.Load(); sent != int64(wantSent) ||
		received != int64(wantReceived) || handled != int64(wantHandled) {
		t.Errorf("interceptors saw %d messages sent, %d received and %d handled; want %d, %d and %d", sent, received, handled, wantSent, wantReceived, wantHandled)
	}
}

// What is not a method of a socket passes too: replies, subscriptions, and all that the others are made of.
func TestEveryReplyIsIntercepted(t *testing.T) {
	for _, name := range []string{"spry.Rep", "spry.Respondent", "zmq.Rep"} {
		for _, method := range []string{"Reply", "ReplyMsg"} {
			t.Run(name+" "+method, func(t *testing.T) {
				leak.Check(t)
				var p passing
				k := interceptedKinds[name]
				s, peer := joined(t, k, &p)
				defer testkit.Shut(t, s)
				defer peer.Close()
				k.feed(t, peer)
				r, err := s.(interface {
					Recv(context.Context) (*spry.Request, error)
				}).Recv(testkit.Watchdog(t))
				testkit.Check(t, err)
				if method == "Reply" {
					testkit.Check(t, r.Reply(testkit.Watchdog(t), []byte("r")))
				} else {
					testkit.Check(t, r.ReplyMsg(testkit.Watchdog(t), r.Message()))
				}
				if p.sent.Load() != 1 || p.received.Load() != 1 {
					t.Errorf("interceptors saw %d messages sent and %d received", p.sent.Load(), p.received.Load())
				}
			})
		}
	}
}

func TestSubscriptionsAreIntercepted(t *testing.T) {
	leak.Check(t)
	var p passing
	s, peer := joined(t, interceptedKinds["spry.Sub"], &p)
	defer testkit.Shut(t, s)
	defer testkit.Shut(t, peer)
	part := s.(*spry.Sub).Open("")
	for method := range reflect.TypeOf(part).Methods() {
		if receive := receivingMethods[method.Name]; receive != nil {
			before := p.received.Load()
			sendMsg(t, peer)
			if n := receive(t, part); p.received.Load() != before+int64(n) {
				t.Errorf("%s: interceptors saw %d messages of %d", method.Name, p.received.Load()-before, n)
			}
		}
	}
	if p.received.Load() < 7 {
		t.Errorf("only %d messages were received", p.received.Load())
	}
}

// Every kind of socket of both packages is in the table: what has a constructor and is no part of one.
func TestEveryKindIsIntercepted(t *testing.T) {
	constructor := regexp.MustCompile(`(?m)^func New(\w+)\(.*\) \(?\*(\w+)`)
	others := []string{"spry.Message", "spry.Network", "spry.Budget"}
	for name, folder := range map[string]string{"spry": "../..", "zmq": "../../zmq"} {
		found := 0
		for _, path := range testkit.Sources(t, folder) {
			if strings.Contains(strings.TrimPrefix(path, folder+"/"), "/") {
				continue
			}
			source, err := os.ReadFile(path)
			testkit.Check(t, err)
			for _, m := range constructor.FindAllStringSubmatch(string(source), -1) {
				kind := name + "." + m[2]
				if _, ok := interceptedKinds[kind]; ok {
					found++
				} else if m[1] == m[2] && !slices.Contains(others, kind) {
					t.Errorf("%s: nobody says whether interceptors see what a %s sends and receives", path, kind)
				}
			}
		}
		if found < 12 {
			t.Errorf("package %s: only %d constructors of sockets were found", name, found)
		}
	}
}
