// SPDX-License-Identifier: MIT

package stress_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// constructors make one socket of each kind. Kinds that talk to each other stand side by side.
var constructors = []func(o spry.Options) anySocket{
	func(o spry.Options) anySocket { return spry.NewPush(&spry.PushOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewPull(&spry.PullOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewPub(&spry.PubOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewSub(&spry.SubOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewReq(&spry.ReqOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewRep(&spry.RepOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewSurveyor(&spry.SurveyorOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewRespondent(&spry.RespondentOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewPair(&spry.PairOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewPairPoly(&spry.PairOptions{Options: o}) },
	func(o spry.Options) anySocket { return spry.NewBus(&spry.BusOptions{Options: o}) },
	func(o spry.Options) anySocket { return zmq.NewDealer(&zmq.DealerOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { return zmq.NewRouter(&zmq.RouterOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket {
		return zmq.NewXPub(&zmq.XPubOptions{Options: zmqOptions(o), LastValues: 5})
	},
	func(o spry.Options) anySocket { return zmq.NewXSub(&zmq.XSubOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { return zmq.NewReq(&zmq.ReqOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { return zmq.NewRep(&zmq.RepOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { return zmq.NewRadio(&zmq.RadioOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { return zmq.NewDish(&zmq.DishOptions{Options: zmqOptions(o)}) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewServer(&o) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewClient(&o) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewPeer(&o) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewScatter(&o) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewGather(&o) },
	func(o spry.Options) anySocket { o = zmqOptions(o); return zmq.NewChannel(&o) },
}

func zmqOptions(o spry.Options) spry.Options {
	o.Dialects = nil
	return o
}

type anySocket interface {
	Close() error
	Stats() spry.Stats
	Listen(context.Context, string) (*spry.Endpoint, error)
	Connect(string) (*spry.Endpoint, error)
}

// A caller calls random methods of random objects with random arguments. What a call returns is called later.
type caller struct {
	t       *testing.T
	ctx     context.Context
	mu      sync.Mutex
	objects []reflect.Value
	urls    []string
}

// maxObjects bounds how many objects a caller remembers.
const maxObjects = 200

// remembered are the types whose values are worth calling: those that any goroutine may use.
var remembered = map[reflect.Type]bool{
	reflect.TypeFor[*spry.Endpoint]():     true,
	reflect.TypeFor[*spry.Pipe]():         true,
	reflect.TypeFor[*spry.Request]():      true,
	reflect.TypeFor[*spry.Call]():         true,
	reflect.TypeFor[*spry.Subscription](): true,
}

func (c *caller) remember(v reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !remembered[v.Type()] {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.objects) < maxObjects {
		c.objects = append(c.objects, v)
	}
}

// rare are methods that end what the others need.
var rare = map[string]bool{"Close": true, "Shutdown": true, "Drain": true, "StopListening": true}

// step makes one call.
func (c *caller) step(rng *rand.Rand) {
	c.mu.Lock()
	object := c.objects[rng.IntN(len(c.objects))]
	c.mu.Unlock()
	method := rng.IntN(object.NumMethod())
	name := object.Type().Method(method).Name
	if rare[name] && rng.IntN(30) > 0 || name == "Message" || name == "Bytes" {
		return // a message, and what a request has of one, belongs to one goroutine at a time
	}
	f := object.Method(method)
	args := make([]reflect.Value, f.Type().NumIn())
	for i := range args {
		if args[i] = c.argument(rng, f.Type().In(i)); f.Type().IsVariadic() && i == len(args)-1 {
			args[i] = c.argument(rng, f.Type().In(i))
		}
	}
	defer func() {
		if cause := recover(); cause != nil { // misuse may panic where it happens, and nowhere else
			if text := fmt.Sprint(cause); strings.Contains(text, "unlock of unlocked") || strings.Contains(text, "index out of range") {
				c.t.Errorf("%v.%s: %v", object.Type(), name, cause)
			}
		}
	}()
	var results []reflect.Value
	if f.Type().IsVariadic() {
		results = f.CallSlice(args)
	} else {
		results = f.Call(args)
	}
	for _, r := range results {
		c.use(rng, r)
	}
}

// use remembers a result, and takes a few elements of a sequence.
func (c *caller) use(rng *rand.Rand, v reflect.Value) {
	if v.Kind() != reflect.Func || v.IsNil() || v.Type().NumIn() != 1 || v.Type().In(0).Kind() != reflect.Func {
		c.remember(v)
		return
	}
	left := rng.IntN(4)
	yield := reflect.MakeFunc(v.Type().In(0), func(elements []reflect.Value) []reflect.Value {
		for _, e := range elements {
			c.remember(e)
		}
		left--
		return []reflect.Value{reflect.ValueOf(left > 0)}
	})
	v.Call([]reflect.Value{yield})
}

// argument makes a value of a type.
func (c *caller) argument(rng *rand.Rand, want reflect.Type) reflect.Value {
	if made := c.known(rng, want); made.IsValid() {
		return made
	}
	switch want.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32:
		return reflect.ValueOf(rng.IntN(8) - 1).Convert(want)
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return reflect.ValueOf(rng.UintN(200)).Convert(want)
	case reflect.Bool:
		return reflect.ValueOf(rng.IntN(2) == 0).Convert(want)
	case reflect.Slice:
		n := rng.IntN(4)
		s := reflect.MakeSlice(want, n, n)
		for i := range n {
			s.Index(i).Set(c.argument(rng, want.Elem()))
		}
		return s
	case reflect.Func:
		return reflect.MakeFunc(want, func([]reflect.Value) []reflect.Value {
			out := make([]reflect.Value, want.NumOut())
			for i := range out {
				out[i] = reflect.Zero(want.Out(i))
			}
			return out
		})
	case reflect.Pointer:
		if remembered[want] {
			c.mu.Lock()
			defer c.mu.Unlock()
			for range 10 {
				if o := c.objects[rng.IntN(len(c.objects))]; o.Type() == want {
					return o
				}
			}
		}
	}
	return reflect.Zero(want)
}

// known makes a value of the types that calls have most often.
func (c *caller) known(rng *rand.Rand, want reflect.Type) (v reflect.Value) {
	var made any
	switch want {
	case reflect.TypeFor[context.Context]():
		if rng.IntN(50) == 0 {
			return reflect.Zero(want)
		}
		ctx, cancel := context.WithTimeout(c.ctx, time.Duration(rng.IntN(6)-1)*time.Millisecond)
		context.AfterFunc(ctx, cancel)
		made = ctx
	case reflect.TypeFor[string]():
		c.mu.Lock()
		defer c.mu.Unlock()
		made = []string{"", "a", "topic", "tcp://127.0.0.1:0", "inproc://nobody", "ipc://", c.urls[rng.IntN(len(c.urls))], c.urls[rng.IntN(len(c.urls))]}[rng.IntN(8)]
	case reflect.TypeFor[[]byte]():
		made = make([]byte, []int{0, 1, 10, 100, 5000, 20_000, 300_000}[rng.IntN(7)])
	case reflect.TypeFor[*spry.Message]():
		if rng.IntN(50) == 0 {
			return reflect.Zero(want)
		}
		made = randomMessage(rng)
	case reflect.TypeFor[net.Conn]():
		near, far := net.Pipe()
		_ = far.SetDeadline(time.Now().Add(50 * time.Millisecond))
		go func() { _, _ = io.Copy(far, far); _ = far.Close() }()
		made = near
	case reflect.TypeFor[spry.Handler]():
		made = spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			switch rng := rand.Uint32N(4); rng {
			case 0:
				panic("a handler panics")
			case 1:
				r.Message().Release()
			}
			_ = r.Reply(ctx, []byte("reply"))
		})
	case reflect.TypeFor[*spry.DialConfig]():
		made = &spry.DialConfig{URL: c.argument(rng, reflect.TypeFor[string]()).String(), Background: rng.IntN(2) == 0}
	case reflect.TypeFor[*spry.ListenConfig]():
		made = &spry.ListenConfig{URL: c.argument(rng, reflect.TypeFor[string]()).String()}
	default:
		return v
	}
	return reflect.ValueOf(made).Convert(want)
}

func randomMessage(rng *rand.Rand) *spry.Message {
	var m *spry.Message
	switch body := make([]byte, rng.IntN(20_000)); rng.IntN(4) {
	case 0:
		m = spry.WrapMessage(body, func() {})
	case 1:
		m = spry.NewMessage(len(body))
		m.SetHeader(make([]byte, 4*rng.IntN(4)))
	case 2:
		m = zmq.NewMessage(body, nil, []byte("frame"))
	default:
		m = spry.NewMessage(0)
		_, _ = m.Write(body)
	}
	if rng.IntN(10) == 0 {
		m.Release()
	}
	return m
}

// randomOptions are those of a socket whose queues are often full.
func randomOptions(rng *rand.Rand) spry.Options {
	o := spry.Options{Linger: -1, Backoff: quick, Heartbeat: time.Duration(rng.IntN(3)) * 20 * time.Millisecond}
	if rng.IntN(2) == 0 {
		o.SendQueue, o.RecvQueue = 1+rng.IntN(8), 1+rng.IntN(8)
	}
	if rng.IntN(3) == 0 {
		o.SendQueueBytes, o.RecvQueueBytes = 1+rng.Int64N(50_000), 1+rng.Int64N(50_000)
	}
	return o
}

// Random calls on random sockets that are connected at random: nothing panics in a goroutine of the library, every call
// and every Close returns, nothing is left, and the figures add up.
func TestRandomCalls(t *testing.T) {
	for _, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { randomCalls(t, rng) })
	}
}

func randomCalls(t *testing.T, rng *rand.Rand) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &caller{t: t, ctx: ctx, urls: []string{"inproc://nobody"}}
	var sockets []anySocket
	kinds := []int{rng.IntN(len(constructors)), rng.IntN(len(constructors))}
	kinds = append(kinds, kinds[0]^1, kinds[1]^1) // neighbours in the list are each other's peers
	for i := range 6 {
		s := constructors[min(kinds[i%4], len(constructors)-1)](randomOptions(rng))
		sockets = append(sockets, s)
		c.objects = append(c.objects, reflect.ValueOf(s))
		if e, err := s.Listen(testkit.Watchdog(t), fresh(t.TempDir(), schemes[rng.IntN(len(schemes))], i)); err == nil {
			c.urls = append(c.urls, e.URL())
		}
		for _, url := range c.urls {
			_, _ = s.Connect(url)
		}
	}
	var calling sync.WaitGroup
	for range 4 {
		own := rand.New(rand.NewPCG(rng.Uint64(), 1))
		calling.Go(func() {
			for range 300 {
				c.step(own)
				runtime.Gosched()
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // how long they call before the sockets are closed, which ends calls without a context too
	for _, s := range sockets {
		within(t, fmt.Sprintf("Close of a %T", s), func() { _ = s.Close() })
	}
	within(t, "a call", calling.Wait)
	cancel()
	for _, s := range sockets {
		if why := testkit.Unbalanced(s.Stats()); why != "" {
			t.Errorf("%T: %s", s, why)
		}
	}
}
