// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// An orderly pattern has one sender and one receiver that stay while others come and go, at either of their sockets.
type orderly struct {
	name     string
	from, to testkit.Socket
	message  func(body []byte) *spry.Message             // for the receiver
	visitor  func() (visitor testkit.Socket, sends bool) // of the listening socket
	listens  testkit.Socket                              // the one that they visit
	ready    func(ctx context.Context, o orderly) error  // the sender knows that the receiver wants its messages
}

const (
	steadyMark = 's'
	lastOne    = 1 << 63 // in the number of the last message
)

// stays is the number of a message of the sender that stays.
func stays(m *spry.Message) (number uint64, is bool) {
	body := m.Bytes()
	if at := len(body) - 9; at >= 0 && body[at] == steadyMark {
		return binary.BigEndian.Uint64(body[at+1:]), true
	}
	return 0, false
}

func orderlies() []func() orderly {
	plain := func(body []byte) *spry.Message { return zmq.NewMessage(body) }
	named := func(body []byte) *spry.Message { return zmq.NewMessage([]byte("steady"), body) }
	pipes := func(ctx context.Context, o orderly) error { return o.from.WaitPipes(ctx, 1) }
	wanted := func(ctx context.Context, o orderly) error {
		return o.from.(interface {
			WaitSubscribers(context.Context, string, int) error
		}).WaitSubscribers(ctx, string(steadyMark), 1)
	}
	lo := spry.Options{Linger: -1}
	sub := func() *spry.Sub {
		s := spry.NewSub(&spry.SubOptions{Overflow: spry.Block, Options: lo})
		_ = s.Subscribe("")
		return s
	}
	push := func() (testkit.Socket, bool) { return spry.NewPush(&spry.PushOptions{Options: lo}), true }
	pub := func() (testkit.Socket, bool) {
		return spry.NewPub(&spry.PubOptions{Overflow: spry.Block, Options: lo}), true
	}
	reader := func() (testkit.Socket, bool) { return sub(), false }
	dealer := func() (testkit.Socket, bool) { return zmq.NewDealer(&zmq.DealerOptions{Options: lo}), true }
	router := func() (testkit.Socket, bool) { return zmq.NewRouter(&zmq.RouterOptions{Options: lo}), false }
	pair := func() (testkit.Socket, bool) { return spry.NewPair(&spry.PairOptions{Options: lo}), true }
	return []func() orderly{
		func() orderly {
			to := spry.NewPull(nil)
			return orderly{"Push to Pull", spry.NewPush(nil), to, plain, push, to, pipes}
		},
		func() orderly {
			to := sub()
			return orderly{"Pub to Sub, beside other Pubs", spry.NewPub(&spry.PubOptions{Overflow: spry.Block}), to, plain, pub, to, wanted}
		},
		func() orderly {
			from := spry.NewPub(&spry.PubOptions{Overflow: spry.Block})
			return orderly{"Pub to Sub, beside other Subs", from, sub(), plain, reader, from, wanted}
		},
		func() orderly {
			to := spry.NewPairPoly(nil)
			return orderly{"Pair to PairPoly", spry.NewPair(nil), to, plain, pair, to, pipes}
		},
		func() orderly {
			to := zmq.NewRouter(nil)
			return orderly{"Dealer to Router", zmq.NewDealer(nil), to, plain, dealer, to, pipes}
		},
		func() orderly {
			from := zmq.NewRouter(&zmq.RouterOptions{Mandatory: true})
			to := zmq.NewDealer(&zmq.DealerOptions{Options: spry.Options{Identity: "steady"}})
			return orderly{"Router to Dealer", from, to, named, dealer, from, pipes}
		},
		func() orderly {
			from := zmq.NewRouter(&zmq.RouterOptions{Mandatory: true})
			to := zmq.NewDealer(&zmq.DealerOptions{Options: spry.Options{Identity: "steady"}})
			return orderly{"Router to Dealer, which has other Routers", from, to, named, router, to, pipes}
		},
	}
}

// While peers join and leave, the messages of one sender reach one receiver in the order of its calls, each once.
func TestOrderWhilePeersComeAndGo(t *testing.T) {
	for _, open := range orderlies() {
		for _, scheme := range []string{"inproc", "tcp", "zmtp+ipc"} {
			o := open()
			t.Run(o.name+"/"+scheme, func(t *testing.T) { o.test(t, scheme) })
		}
	}
}

func (o orderly) test(t *testing.T, scheme string) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	testkit.CloseAll(t, o.from, o.to)
	e := testkit.ListenOn(t, o.listens, scheme)
	if o.listens == o.from {
		testkit.DialTo(t, o.to, e)
	} else {
		testkit.DialTo(t, o.from, e)
	}
	testkit.Check(t, o.ready(ctx, o))
	visited := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		defer close(visited)
		for range testkit.Figure(12, 500) {
			o.visit(ctx, t, e)
		}
	})
	all.Go(func() {
		for n, end := uint64(0), false; !end; n++ {
			select {
			case <-visited:
				end = true
				n |= lastOne
			default:
			}
			body := binary.BigEndian.AppendUint64([]byte{steadyMark}, n)
			if err := o.from.(spry.Sender).SendMsg(ctx, o.message(body)); err != nil {
				t.Errorf("message %d: %v", n, err)
				return
			}
		}
	})
	for want, end := uint64(0), false; !end; {
		m, err := o.to.(spry.Receiver).RecvMsg(ctx)
		testkit.Check(t, err)
		if n, is := stays(m); is {
			if end = n&lastOne != 0; n&^lastOne != want {
				t.Fatalf("message %d came, want %d", n&^lastOne, want)
			}
			want++
		}
		m.Release()
	}
	all.Wait()
}

// visit has somebody join, send or receive something, and leave.
func (o orderly) visit(ctx context.Context, t *testing.T, e *spry.Endpoint) {
	visitor, sends := o.visitor()
	defer visitor.Close()
	if _, err := visitor.DialWith(ctx, testkit.DialerTo(e)); err != nil {
		t.Errorf("a visitor: %v", err)
		return
	}
	if !sends {
		if r, receives := visitor.(*spry.Sub); receives {
			if _, err := r.Recv(ctx); err != nil {
				t.Errorf("a visitor: %v", err)
			}
		}
		return
	}
	for range 5 {
		if err := visitor.(spry.Sender).SendMsg(ctx, zmq.NewMessage([]byte("of a visitor"))); err != nil {
			t.Errorf("a visitor: %v", err)
		}
	}
}
