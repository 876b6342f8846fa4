// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/zmq"
)

// A constructor is a function that makes sockets from options, by what a test needs to know of them.
type constructor struct {
	make  any        // func(*XOptions) *X
	peer  func() any // what its sockets talk with
	talks func(ctx context.Context, a, b any) error
}

// forth sends messages from the first socket to the second, and back the other way round.
func forth(ctx context.Context, a, b any) error { return stream(ctx, a, b) }
func back(ctx context.Context, a, b any) error  { return stream(ctx, b, a) }

// stream sends messages until some have been received: those of a publisher may come before the subscription. It then receives
// until none waits to be sent, because more than the queues hold may have been sent.
func stream(within context.Context, from, to any) error {
	ctx, stop := context.WithCancel(within)
	defer stop()
	sent := make(chan error, 1)
	go func() {
		for ctx.Err() == nil { // which those that drop do not look at
			m := zmq.NewMessage([]byte("x"))
			if _, ok := from.(*zmq.Radio); ok {
				m = zmq.NewMessage([]byte("g"), []byte("x"))
			}
			if err := from.(spry.Sender).SendMsg(ctx, m); err != nil {
				sent <- err
				return
			}
			runtime.Gosched() // those that drop rather than wait are no faster than the receiver
		}
		sent <- nil
	}()
	var err error
	for n := 0; n < 20 && err == nil; n++ {
		_, err = to.(spry.Receiver).RecvMsg(ctx)
	}
	stop()
	if err = errors.Join(err, ignoreCancelled(<-sent)); err != nil {
		return err
	}
	flushing, flushed := context.WithCancel(within)
	ended := make(chan error, 1)
	go func() {
		defer flushed()
		ended <- from.(interface{ Flush(context.Context) error }).Flush(within)
	}()
	for err == nil {
		_, err = to.(spry.Receiver).RecvMsg(flushing)
	}
	return <-ended
}

func ignoreCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ask has the first socket ask the second, and answer the other way round.
func ask(ctx context.Context, a, b any) error {
	answered := make(chan error, 1)
	go func() {
		q, err := b.(interface {
			Recv(context.Context) (*spry.Request, error)
		}).Recv(ctx)
		if err == nil {
			err = q.Reply(ctx, []byte("a"))
		}
		answered <- err
	}()
	var err error
	switch a := a.(type) {
	case interface {
		DoMsg(context.Context, *spry.Message) (*spry.Message, error)
	}:
		_, err = a.DoMsg(ctx, spry.NewMessage(0))
	case *spry.Surveyor:
		for _, err = range a.Survey(ctx, []byte("q")) {
			break
		}
	}
	return errors.Join(err, <-answered)
}

func answers(ctx context.Context, a, b any) error { return ask(ctx, b, a) }

// constructors are all of both packages that take options.
func constructors() map[string]constructor {
	sub := func() any { s := spry.NewSub(nil); _ = s.Subscribe(""); return s }
	zsub := func() any { s := zmq.NewSub(nil); _ = s.Subscribe(""); return s }
	dish := func() any { s := zmq.NewDish(nil); _ = s.Join("g"); return s }
	return map[string]constructor{
		"Push": {spry.NewPush, func() any { return spry.NewPull(nil) }, forth}, "Pull": {spry.NewPull, func() any { return spry.NewPush(nil) }, back},
		"Pub": {spry.NewPub, sub, forth}, "Sub": {func(o *spry.SubOptions) *spry.Sub { s := spry.NewSub(o); _ = s.Subscribe(""); return s }, func() any { return spry.NewPub(nil) }, back},
		"Req": {spry.NewReq, func() any { return spry.NewRep(nil) }, ask}, "Rep": {spry.NewRep, func() any { return spry.NewReq(nil) }, answers},
		"Surveyor": {spry.NewSurveyor, func() any { return spry.NewRespondent(nil) }, ask}, "Respondent": {spry.NewRespondent, func() any { return spry.NewSurveyor(nil) }, answers},
		"Bus": {spry.NewBus, func() any { return spry.NewBus(nil) }, forth}, "Pair": {spry.NewPair, func() any { return spry.NewPair(nil) }, forth},
		"PairPoly": {spry.NewPairPoly, func() any { return spry.NewPair(nil) }, back},
		"zmq.Push": {zmq.NewPush, func() any { return zmq.NewPull(nil) }, forth}, "zmq.Pull": {zmq.NewPull, func() any { return zmq.NewPush(nil) }, back},
		"zmq.Pub": {zmq.NewPub, zsub, forth}, "zmq.Sub": {func(o *zmq.SubOptions) *zmq.Sub { s := zmq.NewSub(o); _ = s.Subscribe(""); return s }, func() any { return zmq.NewPub(nil) }, back},
		"zmq.XPub": {zmq.NewXPub, zsub, forth}, "zmq.XSub": {func(o *zmq.XSubOptions) *zmq.XSub { s := zmq.NewXSub(o); _ = s.Subscribe(""); return s }, func() any { return zmq.NewPub(nil) }, back},
		"zmq.Req": {zmq.NewReq, func() any { return zmq.NewRep(nil) }, ask}, "zmq.Rep": {zmq.NewRep, func() any { return zmq.NewReq(nil) }, answers},
		"zmq.Dealer": {zmq.NewDealer, func() any { return zmq.NewRouter(nil) }, forth}, "zmq.Router": {zmq.NewRouter, func() any { return zmq.NewDealer(nil) }, back},
		"zmq.Pair": {zmq.NewPair, func() any { return zmq.NewPair(nil) }, forth}, "zmq.Channel": {zmq.NewChannel, func() any { return zmq.NewChannel(nil) }, forth},
		"zmq.Scatter": {zmq.NewScatter, func() any { return zmq.NewGather(nil) }, forth}, "zmq.Gather": {zmq.NewGather, func() any { return zmq.NewScatter(nil) }, back},
		"zmq.Radio": {zmq.NewRadio, dish, forth}, "zmq.Dish": {func(o *zmq.DishOptions) *zmq.Dish { s := zmq.NewDish(o); _ = s.Join("g"); return s }, func() any { return zmq.NewRadio(nil) }, back},
		"zmq.Client": {zmq.NewClient, func() any { return zmq.NewServer(nil) }, forth}, "zmq.Server": {zmq.NewServer, func() any { return zmq.NewClient(nil) }, back},
		"zmq.Peer": {zmq.NewPeer, func() any { return zmq.NewPeer(nil) }, nil},
	}
}

// A field is one number of a struct of options, at any depth.
type field struct {
	name  string
	index []int
}

// numbers are the fields of a struct that are numbers.
func numbers(kind reflect.Type) (fields []field) {
	for i := range kind.NumField() {
		f := kind.Field(i)
		switch f.Type.Kind() {
		case reflect.Struct:
			for _, inner := range numbers(f.Type) {
				fields = append(fields, field{inner.name, append([]int{i}, inner.index...)})
			}
		case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Float64:
			fields = append(fields, field{f.Name, []int{i}})
		}
	}
	return fields
}

// An extreme is a value that nobody means: the most, the least, and what is next to nothing.
type extreme string

const (
	least extreme = "least"
	minus extreme = "-1"
	one   extreme = "1"
	most  extreme = "most"
)

func (x extreme) set(v reflect.Value) (possible bool) {
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat(map[extreme]float64{least: math.Inf(-1), minus: -1, one: 1, most: math.Inf(1)}[x])
	case reflect.Uint8:
		v.SetUint(map[extreme]uint64{one: 1, most: math.MaxUint8}[x])
		return x == one || x == most
	case reflect.Uint32:
		v.SetUint(map[extreme]uint64{one: 1, most: math.MaxUint32}[x])
		return x == one || x == most
	case reflect.Int:
		v.SetInt(map[extreme]int64{least: math.MinInt, minus: -1, one: 1, most: math.MaxInt}[x])
	default:
		v.SetInt(map[extreme]int64{least: math.MinInt64, minus: -1, one: 1, most: math.MaxInt64}[x])
	}
	return true
}

// refusals are the values that are refused. Of all others, negative ones are no limit, or off.
var refusals = map[string][]extreme{
	"TTL":              {least, minus, most},
	"HandshakeTimeout": {least, minus},
	"Min":              {least, minus},
	"Max":              {least, minus},
	"Factor":           {least, minus},
	"Deadline":         {least, minus},
	"Overflow":         {most},
	"Version":          {most},
}

// silencing are values that keep what is sent from arriving, which is what they are for.
var silencing = map[string][]extreme{
	"HandshakeTimeout": {one}, // a nanosecond
	"Heartbeat":        {one},
	"Deadline":         {one},
	"MaxMessageSize":   {one},
	"zmq.Req.Retry":    {one}, // each retry costs the connection
	"TopicBytes":       {one},
	"Version":          {one}, // of another protocol, or refused by a PairPoly
}

// Every number of the options of every socket is taken or refused by what it means, whatever it is; what is taken works.
func TestExtremeOptions(t *testing.T) {
	leak.Check(t)
	cases := 0
	for _, name := range slices.Sorted(maps.Keys(constructors())) {
		c := constructors()[name]
		kind := reflect.TypeOf(c.make).In(0).Elem()
		for i, f := range numbers(kind) {
			for _, x := range []extreme{least, minus, one, most} {
				options := reflect.New(kind)
				setLinger(options.Elem())
				if !x.set(options.Elem().FieldByIndex(f.index)) {
					continue
				}
				cases++
				if o, ok := reflect.TypeAssert[*zmq.ReqOptions](options); ok { // without ids, a retry costs the connection: here, each nanosecond
					o.Correlate = f.name == "Retry" && x == one
				}
				what := fmt.Sprintf("%s with %s %s", name, f.name, x)
				s := reflect.ValueOf(c.make).Call([]reflect.Value{options})[0].Interface()
				switch {
				case slices.Contains(refusals[f.name], x):
					checkOptionsRefused(t, what, s.(testkit.Socket), f.name)
				case slices.Contains(silencing[f.name], x), slices.Contains(silencing[name+"."+f.name], x):
				default:
					checkOptionsWork(t, what, []string{"inproc", "tcp"}[i%2], c, s)
				}
				if p := outcome(t, "Close of "+what, func() { _ = s.(testkit.Socket).Close() }); p != nil {
					t.Errorf("Close of %s panicked: %v", what, p)
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

// setLinger makes sockets close at once.
func setLinger(options reflect.Value) { options.FieldByName("Linger").SetInt(-1) }

func checkOptionsRefused(t *testing.T, what string, s testkit.Socket, field string) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	_, listening := s.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0"})
	_, dialed := s.DialWith(ctx, &spry.DialConfig{URL: "tcp://127.0.0.1:1"})
	_, connected := s.DialWith(ctx, &spry.DialConfig{URL: "inproc://nobody", Background: true})
	for _, err := range []error{listening, dialed, connected} {
		if !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v; want ErrConfig that names %s", what, err, field)
		}
	}
}

func checkOptionsWork(t *testing.T, what, scheme string, c constructor, s any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	peer := c.peer()
	defer func() { // at once: a receiver that takes little has left something in the connection
		over, end := context.WithCancel(ctx)
		end()
		_ = peer.(interface{ Shutdown(context.Context) error }).Shutdown(over)
	}()
	e, err := s.(testkit.Socket).ListenWith(ctx, &spry.ListenConfig{URL: map[string]string{"inproc": "inproc://extreme", "tcp": "tcp://127.0.0.1:0"}[scheme]})
	if err == nil {
		_, err = peer.(testkit.Socket).DialWith(ctx, testkit.DialerTo(e))
	}
	if err == nil {
		err = s.(testkit.Socket).WaitPipes(ctx, 1)
	}
	if err == nil && c.talks != nil {
		err = c.talks(ctx, s, peer)
	}
	if err == nil { // else what is not sent when the peer closes waits for another, for as long as Linger says
		err = s.(interface{ Flush(context.Context) error }).Flush(ctx)
	}
	if err != nil {
		t.Errorf("%s over %s: %v", what, scheme, err)
	}
}

// Every number of a dialer and of a listener is taken by an endpoint that works, but for what would open a file to others than
// was meant.
func TestExtremeEndpoints(t *testing.T) {
	leak.Check(t)
	for _, scheme := range []string{"inproc", "ipc", "tcp", "tls+tcp", "zmtp+tcp"} {
		for _, kind := range []reflect.Type{reflect.TypeFor[spry.DialConfig](), reflect.TypeFor[spry.ListenConfig]()} {
			for _, f := range numbers(kind) {
				for _, x := range []extreme{least, minus, one, most} {
					testExtremeEndpoint(t, scheme, kind, f, x)
				}
			}
		}
	}
}

func testExtremeEndpoint(t *testing.T, scheme string, kind reflect.Type, f field, x extreme) {
	ctx := testkit.Watchdog(t)
	o := spry.Options{Linger: -1}
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	defer push.Close()
	defer pull.Close()
	config := reflect.New(kind)
	if !x.set(config.Elem().FieldByIndex(f.index)) {
		return
	}
	what := fmt.Sprintf("%s, %v with %s %s", scheme, kind, f.name, x)
	var err error
	p := outcome(t, what, func() {
		l, listens := reflect.TypeAssert[*spry.ListenConfig](config)
		if !listens {
			l = new(spry.ListenConfig)
		}
		l.TLS, _ = testkit.Certificates()
		if l.URL = scheme + "://127.0.0.1:0"; !strings.HasSuffix(scheme, "tcp") {
			l.URL = scheme + "://" + filepath.Join(t.TempDir(), "s")
		}
		var e *spry.Endpoint
		if e, err = pull.ListenWith(ctx, l); err != nil {
			return
		}
		d, dials := reflect.TypeAssert[*spry.DialConfig](config)
		if !dials {
			d = new(spry.DialConfig)
		}
		d.URL = e.URL()
		_, d.TLS = testkit.Certificates()
		if _, err = push.DialWith(ctx, d); err == nil {
			err = stream(ctx, push, pull)
		}
	})
	refused := scheme == "ipc" && f.name == "Permissions" && x == most
	if p != nil || refused && (err == nil || !strings.Contains(err.Error(), "0777")) || !refused && err != nil {
		t.Errorf("%s: %v, panicked with %v", what, err, p)
	}
}

// What contradicts itself is refused by Listen and by Dial, with an error that names the option.
func TestContradictoryOptions(t *testing.T) {
	leak.Check(t)
	some := func(o spry.Options) testkit.Socket { return spry.NewBus(&spry.BusOptions{Options: o}) }
	said := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, c := range map[string]struct {
		s    testkit.Socket
		says string
	}{
		"Backoff.Max below Min":     {some(spry.Options{Backoff: spry.Backoff{Min: 2, Max: 1}}), "Backoff.Min"},
		"Backoff.Factor below 1":    {some(spry.Options{Backoff: spry.Backoff{Factor: 0.5}}), "Backoff.Factor"},
		"Backoff.Factor NaN":        {some(spry.Options{Backoff: spry.Backoff{Factor: math.NaN()}}), "Backoff.Factor"},
		"an unknown dialect":        {some(spry.Options{Dialects: []string{"sp", "amqp"}}), "amqp"},
		"an Identity too long":      {some(spry.Options{Identity: strings.Repeat("x", 256)}), "Identity"},
		"an Identity that begins 0": {some(spry.Options{Identity: "\x00"}), "Identity"},
		"Metadata without X-":       {some(spry.Options{Metadata: said("Role", "")}), "X-"},
		"Metadata too large":        {some(spry.Options{Metadata: said("X-A", strings.Repeat("x", 5000))}), "Metadata"},
		"a nil transport":           {some(spry.Options{Transports: []transport.Transport{nil}}), "Transports"},
		"a PairPoly of version 0":   {spry.NewPairPoly(&spry.PairOptions{V0: true}), "V0"},
		"a Sub that disconnects":    {spry.NewSub(&spry.SubOptions{Overflow: spry.Disconnect}), "Overflow"},
		"an unknown security":       {some(spry.Options{Security: strangeSecurity{}}), "Security is a conformance_test.strangeSecurity"},
		"a secret nobody has":       {some(spry.Options{Security: zmq.CurveServer{}}), "CurveServer"},
	} {
		t.Run(name, func(t *testing.T) { checkOptionsRefused(t, name, c.s, c.says); testkit.Check(t, c.s.Close()) })
	}
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Dialects: []string{"sp"}}})
	defer push.Close()
	secured := spry.NewPush(&spry.PushOptions{Options: spry.Options{
		Dialects: []string{"sp"}, Security: zmq.PlainClient{Username: "ali", Password: planted},
	}})
	defer secured.Close()
	for name, f := range map[string]func() (*spry.Endpoint, error){
		"Security": func() (*spry.Endpoint, error) { return secured.Connect("tcp://127.0.0.1:1") },
		"Backoff": func() (*spry.Endpoint, error) {
			return push.DialWith(ctx, &spry.DialConfig{URL: "tcp://127.0.0.1:1", Backoff: &spry.Backoff{Min: -1}})
		},
		"Dialects": func() (*spry.Endpoint, error) {
			return push.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0", Dialects: []string{"zmtp"}})
		},
		"amqp": func() (*spry.Endpoint, error) {
			return push.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0", Dialects: []string{"amqp"}})
		},
	} {
		if _, err := f(); !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s of an endpoint: %v", name, err)
		}
	}
}

// What is invalid is reported by each call that sends or receives, instead of a wait for peers that can never come.
func TestInvalidOptionsFailSendAndRecv(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for name, c := range constructors() {
		f := reflect.ValueOf(c.make)
		options := reflect.New(f.Type().In(0).Elem())
		options.Elem().FieldByName("TTL").SetInt(256)
		s := f.Call([]reflect.Value{options})[0].Interface()
		refused := func(verb string, err error) {
			t.Helper()
			if !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), "TTL") {
				t.Errorf("%s: %s: %v", name, verb, err)
			}
		}
		refused("Err", s.(interface{ Err() error }).Err())
		if s, ok := s.(spry.Sender); ok {
			m := zmq.NewMessage([]byte("x"))
			switch s.(type) {
			case *zmq.Radio, *zmq.Router: // whose first frame says where to
				m = zmq.NewMessage([]byte("g"), []byte("x"))
			}
			refused("SendMsg", s.SendMsg(ctx, m))
		}
		if s, ok := s.(spry.Receiver); ok {
			_, err := s.RecvMsg(ctx)
			refused("RecvMsg", err)
		}
		if s, ok := s.(interface {
			Do(context.Context, []byte) ([]byte, error)
		}); ok {
			_, err := s.Do(ctx, nil)
			refused("Do", err)
		}
		if s, ok := s.(interface {
			Recv(context.Context) (*spry.Request, error)
		}); ok {
			_, err := s.Recv(ctx)
			refused("Recv", err)
		}
		if s, ok := s.(interface {
			Serve(context.Context, int, spry.Handler) error
		}); ok {
			refused("Serve", s.Serve(ctx, 1, spry.HandlerFunc(func(context.Context, *spry.Request) {})))
		}
		if s, ok := s.(interface {
			Survey(context.Context, []byte) iter.Seq2[*spry.Message, error]
		}); ok {
			for _, err := range s.Survey(ctx, nil) {
				refused("Survey", err)
			}
		}
		testkit.Check(t, s.(testkit.Socket).Close())
	}
}

// An upper end alone makes a whole Backoff.
func TestBackoffOfMaxAlone(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Backoff: spry.Backoff{Max: 50 * time.Millisecond}}})
	_, err := push.Connect("tcp://127.0.0.1:1")
	testkit.Check(t, err)
	testkit.Check(t, push.Close())
}

// strangeSecurity is none of package zmq's.
type strangeSecurity struct{}

func (strangeSecurity) Mechanism() string { return "GSSAPI" }
