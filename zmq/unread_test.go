// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a peer that sends and never reads costs a program that answers in one loop: nothing.

// deaf sends messages to an endpoint, as fast as they are taken, and never reads. It stops when the test ends.
func deaf(t *testing.T, s sender, e *spry.Endpoint, message func() *spry.Message) {
	t.Helper()
	testkit.DialTo(t, s, e)
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() {
		for s.SendMsg(ctx, message()) == nil {
		}
	})
	t.Cleanup(func() { cancel(); sending.Wait(); _ = s.Close() })
}

// deafOptions keep what the test has to send small.
var deafOptions = zmq.Options{RecvQueue: 1, SendQueue: 1, Linger: -1}

// loop runs f in a goroutine until the test ends.
func loop(t *testing.T, s socket, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var looping sync.WaitGroup
	looping.Go(func() {
		for {
			if err := f(ctx); err != nil {
				if ctx.Err() == nil && !errors.Is(err, spry.ErrPipeClosed) {
					t.Errorf("the loop ended: %v", err)
				}
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); looping.Wait(); _ = s.Close() })
}

const deafBody = 64 << 10

// A Router that echoes serves others while one peer does not read, and counts what that one lost.
func TestRouterStopsForNoPeer(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		router := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueueBytes: 1 << 20, Linger: -1}})
		e := testkit.ListenOn(t, router, scheme)
		loop(t, router, func(ctx context.Context) error {
			frames, err := router.Recv(ctx)
			if err != nil {
				return err
			}
			if err := router.Send(ctx, frames...); !errors.Is(err, spry.ErrNoPeer) && !errors.Is(err, spry.ErrPipeClosed) {
				return err
			}
			return nil // it has gone meanwhile
		})
		deaf(t, zmq.NewDealer(&zmq.DealerOptions{Options: deafOptions}), e, func() *spry.Message {
			return zmq.NewMessage(make([]byte, deafBody))
		})
		testkit.Eventually(t, "messages to the one that does not read are dropped", func() bool {
			return router.Stats().Send.Dropped["overflow"] > 10
		})
		good := zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{Identity: "good"}})
		testkit.DialTo(t, good, e)
		for i := range 50 {
			testkit.Check(t, good.Send(testkit.Watchdog(t), []byte(fmt.Sprint(i))))
			expect(t, good, fmt.Sprint(i))
		}
		for _, p := range router.Stats().Pipes {
			if !p.Live {
				t.Error("a pipe has ended")
			}
			if s := p.Send; s.Offered != s.Sent+s.Queued+s.Returned+testkit.Sum(s.Dropped) {
				t.Errorf("the figures of sending do not balance: %+v", s)
			}
		}
		if router.Pipe("good").Stats().Send.Dropped["overflow"] > 0 {
			t.Error("messages of the one that reads were dropped")
		}
		testkit.Check(t, good.Close())
	})
}

// What a Router drops is the newest message; each is counted, sending it succeeds, and it is taken.
func TestRouterDropsTheNewest(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	o := named("slow")
	o.RecvQueue = 3
	router, dealer := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueue: 2}}), zmq.NewDealer(o)
	join(t, "inproc", dealer, router)
	for i := range 5 {
		testkit.Check(t, router.Send(ctx, raw("slow", fmt.Sprint(i))...))
	}
	m := message("slow", "5")
	testkit.Check(t, router.SendMsg(ctx, m))
	if m.Len() != 0 {
		t.Errorf("a message that was dropped still is %s", text(framesOf(m)))
	}
	testkit.Check(t, router.SendTo(ctx, "slow", []byte("6")))
	n, err := router.SendBatch(ctx, []*spry.Message{message("slow", "7"), message("slow", "8")})
	testkit.Check(t, err)
	kept := message("slow", "9")
	testkit.Wants(t, router.TrySendMsg(kept), spry.ErrWouldBlock)
	is(t, framesOf(kept), "slow", "9")
	if st := router.Stats().Send; n != 2 || st.Dropped["overflow"] != 4 || st.Offered != 9 {
		t.Errorf("%d of a batch were sent, %d were offered, dropped are %v", n, st.Offered, st.Dropped)
	}
	for i := range 5 {
		expect(t, dealer, fmt.Sprint(i))
	}
	testkit.Check(t, router.Send(ctx, raw("slow", "10")...))
	expect(t, dealer, "10")
	testkit.Shut(t, router, dealer)
}

// A Server receives nothing more from a client that does not read, and serves others.
func TestServerStopsForNoPeer(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		server := zmq.NewServer(&zmq.Options{SendQueueBytes: deafBody / 2, Linger: -1}) // of which no two fit
		e := testkit.ListenOn(t, server, scheme)
		loop(t, server, func(ctx context.Context) error {
			m, err := server.RecvMsg(ctx)
			if err != nil {
				return err
			}
			if err = server.SendMsgTo(ctx, m.Pipe(), m); errors.Is(err, spry.ErrPipeClosed) {
				err = nil // it has gone meanwhile
			}
			return err
		})
		for range 3 {
			deaf(t, zmq.NewClient(&deafOptions), e, func() *spry.Message { return zmq.NewMessage(make([]byte, deafBody)) })
		}
		testkit.Eventually(t, "messages of those that do not read wait", func() bool {
			n := 0
			for _, p := range server.Stats().Pipes {
				if p.Send.Queued > 0 && p.Recv.Queued > 0 {
					n++
				}
			}
			return n == 3
		})
		good := zmq.NewClient(nil)
		testkit.DialTo(t, good, e)
		for i := range 50 {
			testkit.Check(t, good.Send(testkit.Watchdog(t), []byte(fmt.Sprint(i))))
			expect(t, good, fmt.Sprint(i))
		}
		if st := server.Stats(); len(st.Send.Dropped) > 0 {
			t.Errorf("dropped are %v", st.Send.Dropped)
		}
		testkit.Check(t, good.Close())
	})
}

// A requester that does not read costs a proxy's other requesters nothing: with Routers, what is for it is dropped and
// counted; with raw sockets, its requests wait.
func TestProxiesStopForNoPeer(t *testing.T) {
	proxies := map[string]func(t *testing.T, ctx context.Context, scheme string) (in socket, front, back *spry.Endpoint){
		"router": func(t *testing.T, ctx context.Context, scheme string) (socket, *spry.Endpoint, *spry.Endpoint) {
			front, back := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueueBytes: 1 << 20, Linger: -1}}), zmq.NewDealer(nil)
			f, b := testkit.ListenOn(t, front, scheme), testkit.ListenOn(t, back, scheme)
			proxying(t, front, back, func() error { return zmq.Proxy(ctx, front, back, nil) })
			return front, f, b
		},
		"raw": func(t *testing.T, ctx context.Context, scheme string) (socket, *spry.Endpoint, *spry.Endpoint) {
			o := spry.Options{SendQueueBytes: 1 << 20, Linger: -1, Dialects: []string{"zmtp"}}
			front, err := spry.NewRaw(spry.ProtocolRep, &o)
			testkit.Check(t, err)
			back, err := spry.NewRaw(spry.ProtocolReq, &o)
			testkit.Check(t, err)
			f, b := testkit.ListenOn(t, front, scheme), testkit.ListenOn(t, back, scheme)
			proxying(t, front, back, func() error { return spry.Proxy(ctx, front, back, nil) })
			return front, f, b
		},
	}
	for name, start := range proxies {
		t.Run(name, func(t *testing.T) {
			overEveryWire(t, func(t *testing.T, scheme string) {
				ctx, cancel := context.WithCancel(context.Background())
				t.Cleanup(cancel)
				in, front, back := start(t, ctx, scheme)
				rep := zmq.NewRep(nil)
				testkit.DialTo(t, rep, back)
				loop(t, rep, func(ctx context.Context) error {
					r, err := rep.Recv(ctx)
					if err != nil {
						return err
					}
					return r.Reply(ctx, make([]byte, deafBody))
				})
				deaf(t, zmq.NewDealer(&zmq.DealerOptions{Options: deafOptions}), front, func() *spry.Message {
					return zmq.NewMessage(nil, make([]byte, deafBody))
				})
				testkit.Eventually(t, "the proxy has no room for more replies to the one that does not read", func() bool {
					st := in.Stats()
					return st.Send.Dropped["overflow"] > 10 || st.Send.QueuedBytes > 1<<19 && st.Recv.Queued > 0
				})
				req := zmq.NewReq(nil)
				testkit.DialTo(t, req, front)
				for range 50 {
					_, err := req.Do(testkit.Watchdog(t), []byte("good"))
					testkit.Check(t, err)
				}
				testkit.Check(t, req.Close())
			})
		})
	}
}

// proxying runs a proxy until the test ends, and then closes its sockets.
func proxying(t *testing.T, front, back socket, run func() error) {
	t.Helper()
	var working sync.WaitGroup
	working.Go(func() { _ = run() })
	t.Cleanup(func() {
		_ = front.Close()
		_ = back.Close()
		working.Wait()
	})
}

// Sockets whose both ends may have much to say receive from a peer that does not read; TrySend calls do not wait for it.
func TestTrySendTo(t *testing.T) {
	leak.Check(t)
	a, b := zmq.NewPeer(&zmq.Options{SendQueue: 1}), zmq.NewPeer(&zmq.Options{RecvQueue: 1})
	join(t, "inproc", b, a)
	for to := range a.Pipes() {
		testkit.Check(t, a.TrySendMsgTo(to, message("one")))
		testkit.Check(t, a.TrySendMsgTo(to, message("two")))
		kept := message("three")
		testkit.Wants(t, a.TrySendMsgTo(to, kept), spry.ErrWouldBlock)
		is(t, framesOf(kept), "three")
		testkit.Wants(t, a.TrySendMsgTo(to, message("x", "y")), zmq.ErrFrames)
		testkit.Wants(t, b.TrySendMsgTo(to, kept), spry.ErrNoPeer)
	}
	for to := range b.Pipes() {
		testkit.Check(t, b.TrySendMsgTo(to, message("you are heard")))
	}
	expect(t, a, "you are heard")
	expect(t, b, "one")
	expect(t, b, "two")
	testkit.Shut(t, a, b)
}
