// SPDX-License-Identifier: MIT

package interop_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// loads are numbers of messages with sizes at which something changes: frames with short and with long lengths, bodies
// that are copied and those that are not.
var loads = []struct{ messages, size int }{{1000, 0}, {5000, 4}, {1000, 300}, {200, 9000}, {20, 1 << 20}}

// receivingSocket is what receives numbered messages.
type receivingSocket interface {
	socket
	Recv(ctx context.Context) ([]byte, error)
}

// expectNumbered receives n numbered messages.
func expectNumbered(t *testing.T, s receivingSocket, n, size int) {
	t.Helper()
	ctx, came, want := watched(t), newTally(), numberedTally(n, size)
	for range n {
		b, err := s.Recv(ctx)
		check(t, err)
		came.add(b)
	}
	if came.String() != want.String() {
		t.Errorf("received %v, want %v", came, want)
	}
}

// TestZeroMQPipelines sends to libzmq's PULL and receives from its PUSH.
func TestZeroMQPipelines(t *testing.T) {
	eachWay(t, libzmq, "pull – push", func(t *testing.T, a address) {
		for _, l := range loads {
			a.url = newAddress(t, a.transport, a.spryListens).url
			push := spry.NewPush(&spry.PushOptions{Options: options})
			p := meetC(t, a, push, "zmq_recv", "pull", fmt.Sprint(l.messages))
			sendNumbered(t, push, l.messages, l.size)
			expectTally(t, p, numberedTally(l.messages, l.size))
			check(t, push.Close())
		}
	})
	eachWay(t, libzmq, "push – pull", func(t *testing.T, a address) {
		for _, l := range loads {
			a.url = newAddress(t, a.transport, a.spryListens).url
			pull := spry.NewPull(&spry.PullOptions{Options: options})
			p := meetC(t, a, pull, "zmq_send", "push", fmt.Sprint(l.messages), fmt.Sprint(l.size))
			expectNumbered(t, pull, l.messages, l.size)
			check(t, pull.Close())
			p.Wait()
		}
	})
}

// TestZeroMQPairs sends both ways between a Pair and libzmq's PAIR.
func TestZeroMQPairs(t *testing.T) {
	eachWay(t, libzmq, "pair – pair", func(t *testing.T, a address) {
		pair := spry.NewPair(&spry.PairOptions{Options: options})
		meetC(t, a, pair, "zmq_echo", "pair")
		for _, l := range loads {
			var sending sync.WaitGroup
			sending.Go(func() { sendNumbered(t, pair, l.messages, l.size) })
			expectNumbered(t, pair, l.messages, l.size)
			sending.Wait()
		}
	})
}

// TestZeroMQRequests asks libzmq's REP and ROUTER, with many requests at once, and answers its REQ and DEALER.
func TestZeroMQRequests(t *testing.T) {
	for _, kind := range []string{"rep", "router"} {
		eachWay(t, libzmq, kind+" – req", func(t *testing.T, a address) {
			req := spry.NewReq(&spry.ReqOptions{Options: options})
			meetC(t, a, req, "zmq_echo", kind)
			ctx := watched(t)
			var callers sync.WaitGroup
			for c := range 8 {
				callers.Go(func() {
					for _, l := range loads {
						for i := range min(l.messages, 100) {
							want := numbered(l.size, 1000*c+i)
							if got, err := req.Do(ctx, want); err != nil || string(got) != string(want) {
								t.Errorf("caller %d: %d bytes were answered by %d: %v", c, len(want), len(got), err)
								return
							}
						}
					}
				})
			}
			callers.Wait()
		})
	}
	for _, kind := range []string{"req", "dealer"} {
		eachWay(t, libzmq, kind+" – rep", func(t *testing.T, a address) {
			for _, l := range loads {
				a.url = newAddress(t, a.transport, a.spryListens).url
				rep := spry.NewRep(&spry.RepOptions{Options: options})
				served := make(chan error, 1)
				go func() { served <- rep.Handle(watched(t), 2, echo) }()
				p := meetC(t, a, rep, "zmq_ask", kind, fmt.Sprint(min(l.messages, 200)), fmt.Sprint(l.size))
				p.WaitLine("answered")
				check(t, rep.Close())
				check(t, <-served)
				p.Wait()
			}
		})
	}
}

var echo = spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) })

// TestZeroMQSubscriptions publishes to libzmq's SUB, which is sent only what it wants, and subscribes to its XPUB.
func TestZeroMQSubscriptions(t *testing.T) {
	eachWay(t, libzmq, "sub – pub", func(t *testing.T, a address) {
		const messages = 1000
		pub := spry.NewPub(&spry.PubOptions{Options: options, Overflow: spry.Block})
		p := meetC(t, a, pub, "zmq_recv", "sub", fmt.Sprint(messages/2), "wanted")
		ctx, wanted := watched(t), newTally()
		check(t, pub.WaitSubscribers(ctx, "wanted", 1))
		for i := range messages {
			b := fmt.Appendf(nil, "%s %d", []string{"wanted", "other"}[i%2], i)
			check(t, pub.Send(ctx, b))
			if i%2 == 0 {
				wanted.add(b)
			}
		}
		expectTally(t, p, wanted)
		if sent := pub.Stats().Send.Offered; sent != messages/2 {
			t.Errorf("%d messages were sent to a subscriber of half of %d", sent, messages)
		}
	})
	eachWay(t, libzmq, "xpub – sub", func(t *testing.T, a address) {
		sub := spry.NewSub(&spry.SubOptions{Options: options, Overflow: spry.Block})
		check(t, sub.Subscribe("")) // the publisher waits for it
		p := meetC(t, a, sub, "zmq_send", "xpub", "1000", "100")
		expectNumbered(t, sub, 1000, 100)
		p.Wait()
	})
}

// TestAllFamiliesOnOnePort has one Pull, one Pub and one Rep serve programs of libzmq, nng and nanomsg at once, each on one
// port.
func TestAllFamiliesOnOnePort(t *testing.T) {
	const messages, size = 500, 100
	for _, transport := range []string{"tcp", "ipc"} {
		families := map[string]string{libzmq: "zmq_", libnng: "nng_", libnanomsg: "nn_"}
		if transport == "ipc" {
			delete(families, libnng) // two of one family are enough there
		}
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			t.Run("pull", func(t *testing.T) {
				a := newAddress(t, transport, true)
				pull := spry.NewPull(&spry.PullOptions{Options: options})
				attach(t, pull, a)
				var ps []*peer.Process
				for _, prefix := range families {
					args := []string{a.how(), a.url, "push"}
					if prefix != "zmq_" {
						args = append(args, "1")
					}
					ps = append(ps, startC(t, prefix+"send", append(args, fmt.Sprint(messages), fmt.Sprint(size))...))
				}
				next := map[spry.Protocol]int{}
				byPipe := map[uint32]int{}
				ctx := watched(t)
				for range messages * len(families) {
					m, err := pull.RecvMsg(ctx)
					check(t, err)
					i := byPipe[m.Pipe().ID()]
					byPipe[m.Pipe().ID()]++
					next[m.Pipe().Peer()]++
					if string(m.Bytes()) != string(numbered(size, i)) {
						t.Fatalf("message %d of %s differs", i, m.Pipe().Dialect())
					}
					m.Release()
				}
				if len(byPipe) != len(families) || next[spry.ProtocolPush] != messages*len(families) {
					t.Errorf("messages by pipe %v, by protocol %v", byPipe, next)
				}
				if s := pull.Stats().Recv; s.Arrived != uint64(messages*len(families)) || len(s.Dropped) > 0 {
					t.Errorf("the books say %+v", s)
				}
				for _, p := range ps {
					p.Wait()
				}
			})
			t.Run("rep", func(t *testing.T) {
				a := newAddress(t, transport, true)
				rep := spry.NewRep(&spry.RepOptions{Options: options})
				attach(t, rep, a)
				served := make(chan error, 1)
				go func() { served <- rep.Handle(watched(t), 4, echo) }()
				z := startC(t, "zmq_ask", a.how(), a.url, "req", fmt.Sprint(messages), fmt.Sprint(size))
				n := startC(t, "nn_ask", a.how(), a.url, "req", fmt.Sprint(messages), fmt.Sprint(size))
				z.WaitLine("answered")
				z.Wait()
				n.Wait()
				check(t, rep.Close())
				check(t, <-served)
			})
		})
	}
}

// TestPerformanceToolsMeetZeroMQ has the command, by the names of libzmq's performance tools, meet programs of libzmq.
func TestPerformanceToolsMeetZeroMQ(t *testing.T) {
	spryTool := func(args ...string) *peer.Process { return peer.Start(t, builder.Command(t, commandFolder), args...) }
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a := newAddress(t, transport, false)
			startC(t, "zmq_echo", "listen", a.url, "rep")
			if out := spryTool("remote_lat", a.url, "64", "100").Wait(); !strings.Contains(out, "average latency: ") {
				t.Errorf("remote_lat printed %q", out)
			}
			a = newAddress(t, transport, false)
			sink := startC(t, "zmq_recv", "listen", a.url, "pull", "1000")
			spryTool("remote_thr", a.url, "64", "1000").Wait()
			if line := sink.WaitLine("count"); !strings.HasPrefix(line, "count 1000 bytes 64000 ") {
				t.Errorf("from remote_thr came %q", line)
			}
			a = newAddress(t, transport, true)
			measures := spryTool("local_thr", a.url, "64", "1000")
			peer.WaitListening(t, a.url)
			startC(t, "zmq_send", "dial", a.url, "push", "1000", "64").WaitLine("sent")
			if out := measures.Wait(); !strings.Contains(out, "mean throughput: ") {
				t.Errorf("local_thr printed %q", out)
			}
		})
	}
}
