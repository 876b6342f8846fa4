// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// A workload is a pair of sockets at work, and what the application itself has counted.
type workload struct {
	name         string
	a, b         testkit.End
	at           *spry.Endpoint // where b listens
	toB, toA     atomic.Uint64  // received by the application, replies of requests and surveys too
	accepted     atomic.Uint64  // sends of a that returned nil
	acceptedBack atomic.Uint64
}

// A workKind opens two sockets that talk with each other.
type workKind struct {
	name  string
	wires []string
	open  func(k *workload, o spry.Options)
}

var (
	bareWires  = []string{"inproc", "tcp", "ws", "ipc", "sim", "tls+tcp", "simmsg", "wss"}
	bothWires  = slices.Concat(bareWires, []string{"zmtp+ipc", "zmtp+tcp", "zmtp+tls+tcp"})
	frameWires = []string{"tcp", "inproc", "wss", "ipc", "tls+tcp", "ws"} // package zmq speaks ZeroMQ's protocol over all of them
)

// workKinds are the kinds of sockets of package spry, and those of package zmq.
var workKinds = []workKind{
	{"push, pull", bothWires, func(k *workload, o spry.Options) { k.a, k.b = testkit.Pair(0, o) }},
	{"pub, sub", bothWires, func(k *workload, o spry.Options) { k.a, k.b = testkit.Pair(1, o) }},
	{"req, rep", bothWires, func(k *workload, o spry.Options) {
		req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
		k.a = testkit.End{Socket: req, Send: k.counted(func(ctx context.Context) error { _, err := req.Do(ctx, workBody); return err })}
		k.b = testkit.End{Socket: rep, Recv: replying(rep)}
	}},
	{"surveyor, respondent", bareWires, func(k *workload, o spry.Options) {
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: time.Millisecond})
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
		k.a = testkit.End{Socket: surveyor, Send: func(ctx context.Context) error {
			for _, err := range surveyor.Survey(ctx, workBody) {
				if err != nil {
					return err
				}
				k.toA.Add(1)
			}
			return nil
		}}
		k.b = testkit.End{Socket: respondent, Recv: replying(respondent)}
	}},
	{"pair", bothWires, func(k *workload, o spry.Options) { k.a, k.b = testkit.Pair(4, o) }},
	{"bus", bareWires, func(k *workload, o spry.Options) { k.a, k.b = testkit.Pair(5, o) }},
	{"pair, pair of many", bareWires, func(k *workload, o spry.Options) {
		one, many := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPairPoly(&spry.PairOptions{Options: o})
		k.a, k.b = testkit.End{Socket: one, Send: sendingMsg(one, 1), Recv: receivingMsg(one)}, testkit.End{Socket: many, Recv: returning(many)}
	}},

	{"zmq push, pull", frameWires, func(k *workload, o spry.Options) {
		push, pull := zmq.NewPush(&zmq.PushOptions{Options: o}), zmq.NewPull(&zmq.PullOptions{Options: o})
		k.a, k.b = testkit.End{Socket: push, Send: sendingMsg(push, 2)}, testkit.End{Socket: pull, Recv: receivingMsg(pull)}
	}},
	{"zmq pub, sub", frameWires, func(k *workload, o spry.Options) {
		pub, sub := zmq.NewPub(&zmq.PubOptions{Options: o}), zmq.NewSub(&zmq.SubOptions{Options: o})
		_ = sub.Subscribe("")
		k.a, k.b = testkit.End{Socket: pub, Send: sendingMsg(pub, 2)}, testkit.End{Socket: sub, Recv: receivingMsg(sub)}
	}},
	{"zmq xpub, xsub", frameWires, func(k *workload, o spry.Options) {
		xpub, xsub := zmq.NewXPub(&zmq.XPubOptions{Options: o}), zmq.NewXSub(&zmq.XSubOptions{Options: o})
		_ = xsub.Subscribe("")
		k.a = testkit.End{Socket: xpub, Send: sendingMsg(xpub, 2), Recv: func(ctx context.Context) error {
			frames, err := xpub.Recv(ctx)
			if err == nil && string(frames[0]) != string(workBody) {
				err = errors.New("a subscription, which is no message of the peer's application")
			}
			return err
		}}
		k.b = testkit.End{Socket: xsub, Send: sendingMsg(xsub, 1), Recv: receivingMsg(xsub)}
	}},
	{"zmq radio, dish", frameWires, func(k *workload, o spry.Options) {
		radio, dish := zmq.NewRadio(&zmq.RadioOptions{Options: o}), zmq.NewDish(&zmq.DishOptions{Options: o})
		_ = dish.Join("group")
		k.a = testkit.End{Socket: radio, Send: func(ctx context.Context) error { return radio.Send(ctx, "group", workBody) }}
		k.b = testkit.End{Socket: dish, Recv: receivingMsg(dish)}
	}},
	{"zmq req, rep", frameWires, func(k *workload, o spry.Options) {
		req, rep := zmq.NewReq(&zmq.ReqOptions{Options: o}), zmq.NewRep(&zmq.RepOptions{Options: o})
		k.a = testkit.End{Socket: req, Send: k.counted(func(ctx context.Context) error { _, err := req.Do(ctx, workBody, workBody); return err })}
		k.b = testkit.End{Socket: rep, Recv: replying(rep)}
	}},
	{"zmq dealer, router", frameWires, func(k *workload, o spry.Options) {
		dealer, router := zmq.NewDealer(&zmq.DealerOptions{Options: o}), zmq.NewRouter(&zmq.RouterOptions{Options: o})
		k.a = testkit.End{Socket: dealer, Send: sendingMsg(dealer, 2), Recv: receivingMsg(dealer)}
		k.b = testkit.End{Socket: router, Recv: func(ctx context.Context) error {
			from, frames, err := router.RecvFrom(ctx)
			if err == nil {
				_ = router.SendTo(ctx, from, frames...) // the peer may be gone
			}
			return err
		}}
	}},
	{"zmq dealers", frameWires, func(k *workload, o spry.Options) {
		p, q := zmq.NewDealer(&zmq.DealerOptions{Options: o}), zmq.NewDealer(&zmq.DealerOptions{Options: o})
		k.a = testkit.End{Socket: p, Send: sendingMsg(p, 2), Recv: receivingMsg(p)}
		k.b = testkit.End{Socket: q, Send: sendingMsg(q, 1), Recv: receivingMsg(q)}
	}},
	{"zmq pair", frameWires, func(k *workload, o spry.Options) {
		p, q := zmq.NewPair(&o), zmq.NewPair(&o)
		k.a = testkit.End{Socket: p, Send: sendingMsg(p, 2), Recv: receivingMsg(p)}
		k.b = testkit.End{Socket: q, Send: sendingMsg(q, 1), Recv: receivingMsg(q)}
	}},
	{"zmq channel", frameWires, func(k *workload, o spry.Options) {
		p, q := zmq.NewChannel(&o), zmq.NewChannel(&o)
		k.a = testkit.End{Socket: p, Send: sendingMsg(p, 1), Recv: receivingMsg(p)}
		k.b = testkit.End{Socket: q, Send: sendingMsg(q, 1), Recv: receivingMsg(q)}
	}},
	{"zmq scatter, gather", frameWires, func(k *workload, o spry.Options) {
		scatter, gather := zmq.NewScatter(&o), zmq.NewGather(&o)
		k.a, k.b = testkit.End{Socket: scatter, Send: sendingMsg(scatter, 1)}, testkit.End{Socket: gather, Recv: receivingMsg(gather)}
	}},
	{"zmq client, server", frameWires, func(k *workload, o spry.Options) {
		client, server := zmq.NewClient(&o), zmq.NewServer(&o)
		k.a = testkit.End{Socket: client, Send: sendingMsg(client, 1), Recv: receivingMsg(client)}
		k.b = testkit.End{Socket: server, Recv: returning(server)}
	}},
	{"zmq peers", frameWires, func(k *workload, o spry.Options) {
		p, q := zmq.NewPeer(&o), zmq.NewPeer(&o)
		k.a = testkit.End{Socket: p, Recv: receivingMsg(p), Send: func(ctx context.Context) error {
			for to := range p.Pipes() {
				return p.SendTo(ctx, to, workBody)
			}
			return p.WaitPipes(ctx, 1)
		}}
		k.b = testkit.End{Socket: q, Recv: returning(q)}
	}},
}

var workBody = []byte("work")

// counted counts replies that come with a nil error.
func (k *workload) counted(ask func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := ask(ctx)
		if err == nil {
			k.toA.Add(1)
		}
		return err
	}
}

func sendingMsg(s interface {
	SendMsg(context.Context, *spry.Message) error
}, frames int,
) func(context.Context) error {
	return func(ctx context.Context) error {
		m := zmq.NewMessage(slices.Repeat([][]byte{workBody}, frames)...)
		err := s.SendMsg(ctx, m)
		if err != nil {
			m.Release()
		}
		return err
	}
}

func receivingMsg(s interface {
	RecvMsg(context.Context) (*spry.Message, error)
},
) func(context.Context) error {
	return func(ctx context.Context) error {
		m, err := s.RecvMsg(ctx)
		if err == nil {
			m.Release()
		}
		return err
	}
}

// replying receives a request and replies.
func replying(s interface {
	Recv(context.Context) (*spry.Request, error)
},
) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := s.Recv(ctx)
		if err == nil {
			_ = r.Reply(ctx, workBody) // the pipe may be over
		}
		return err
	}
}

// returning receives a message and sends it back.
func returning(s interface {
	RecvFrom(context.Context) (*spry.Pipe, []byte, error)
	SendTo(context.Context, *spry.Pipe, []byte) error
},
) func(context.Context) error {
	return func(ctx context.Context) error {
		from, body, err := s.RecvFrom(ctx)
		if err == nil {
			_ = s.SendTo(ctx, from, body) // the pipe may be over
		}
		return err
	}
}

// newWorkload opens a pair of sockets of a kind, over a wire, with queues that are often full.
func newWorkload(t *testing.T, kind workKind, wire string) *workload {
	w := wireUnderTest{scheme: wire, options: spry.Options{
		Linger: -1, SendQueue: 8, RecvQueue: 4, Backoff: spry.Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond},
		Transports: []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}},
	}}
	if w.simulated() {
		w.options.Transports = []transport.Transport{simnet.New(7)}
	}
	k := &workload{name: kind.name + " over " + wire}
	kind.open(k, w.options)
	k.at = w.listen(t, k.b)
	_, err := k.a.DialWith(testkit.Watchdog(t), testkit.DialerTo(k.at))
	testkit.Check(t, err)
	return k
}

// work keeps the sockets busy until ctx ends or they are closed.
func (k *workload) work(ctx context.Context, all *sync.WaitGroup) {
	loop := func(f func(context.Context) error, count *atomic.Uint64) {
		if f == nil {
			return
		}
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				err := f(ctx)
				switch {
				case errors.Is(err, spry.ErrClosed):
					return
				case err == nil && count != nil:
					count.Add(1)
				}
				if i%16 == 0 {
					time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
				}
			}
		})
	}
	loop(k.a.Send, &k.accepted)
	loop(k.b.Send, &k.acceptedBack)
	loop(k.a.Recv, &k.toA)
	loop(k.b.Recv, &k.toB)
}

// atRest compares the figures of closed sockets with what the application counted.
func (k *workload) atRest(t *testing.T) {
	t.Helper()
	a, b := k.a.Stats(), k.b.Stats()
	for _, st := range []spry.Stats{a, b} {
		if why := testkit.Unbalanced(st); why != "" || st.Send.Queued+st.Recv.Queued > 0 || len(st.Pipes) > 0 || st.Pending > 0 {
			t.Errorf("%s at rest: %s; %+v", k.name, why, st)
		}
	}
	if a.Recv.Delivered != k.toA.Load() || b.Recv.Delivered != k.toB.Load() {
		t.Errorf("%s: delivered %d and %d; the application received %d and %d", k.name, a.Recv.Delivered, b.Recv.Delivered, k.toA.Load(), k.toB.Load())
	}
	// Nothing arrives that was not sent; a request or survey has an answer at most.
	if b.Recv.Arrived+b.Recv.Filtered > a.Send.Sent || a.Recv.Arrived+a.Recv.Filtered > b.Send.Sent {
		t.Errorf("%s: arrived %d of %d sent, and back %d of %d", k.name, b.Recv.Arrived, a.Send.Sent, a.Recv.Arrived, b.Send.Sent)
	}
	switch k.a.Socket.(type) {
	case *spry.Push, *zmq.Push, *zmq.Scatter: // what came back was offered again, or was lost when the socket closed
		if n := a.Send.Offered; n < k.accepted.Load() || n-a.Send.Returned > k.accepted.Load() {
			t.Errorf("%s: offered %d, of which %d came back; the application sent %d", k.name, n, a.Send.Returned, k.accepted.Load())
		}
	case *spry.Pair, *zmq.Pair, *zmq.Channel:
		if b.Send.Offered != k.acceptedBack.Load() && !strings.HasPrefix(k.name, "pair, pair of many") || a.Send.Offered != k.accepted.Load() {
			t.Errorf("%s: offered %d and %d; the application sent %d and %d", k.name, a.Send.Offered, b.Send.Offered, k.accepted.Load(), k.acceptedBack.Load())
		}
	}
}
