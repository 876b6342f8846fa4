// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// loads are numbers of messages with sizes at which something changes: frames with short and with long lengths, bodies
// that are copied and those that are not.
var loads = []struct{ messages, size int }{{1000, 0}, {5000, 4}, {1000, 300}, {200, 9000}, {20, 1 << 20}}

// receivingSocket is what receives numbered messages.
type receivingSocket interface {
	kit.Socket
	Recv(ctx context.Context) ([]byte, error)
}

// expectNumbered receives n numbered messages.
func expectNumbered(t *testing.T, s receivingSocket, n, size int) {
	t.Helper()
	ctx, came, want := kit.Watched(t), kit.NewTally(), kit.NumberedTally(n, size)
	for range n {
		b, err := s.Recv(ctx)
		testkit.Check(t, err)
		came.Add(b)
	}
	if came.String() != want.String() {
		t.Errorf("received %v, want %v", came, want)
	}
}

// TestZeroMQPipelines sends to libzmq's PULL and receives from its PUSH.
func TestZeroMQPipelines(t *testing.T) {
	kit.EachWay(t, kit.LibZMQ, "pull – push", func(t *testing.T, a kit.Address) {
		for _, l := range loads {
			a.URL = kit.NewAddress(t, a.Transport, a.SpryListens).URL
			push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
			p := kit.MeetC(t, a, push, "zmq_recv", "pull", fmt.Sprint(l.messages))
			kit.SendNumbered(t, push, l.messages, l.size)
			kit.ExpectTally(t, p, kit.NumberedTally(l.messages, l.size))
			testkit.Check(t, push.Close())
		}
	})
	kit.EachWay(t, kit.LibZMQ, "push – pull", func(t *testing.T, a kit.Address) {
		for _, l := range loads {
			a.URL = kit.NewAddress(t, a.Transport, a.SpryListens).URL
			pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
			p := kit.MeetC(t, a, pull, "zmq_send", "push", fmt.Sprint(l.messages), fmt.Sprint(l.size))
			expectNumbered(t, pull, l.messages, l.size)
			testkit.Check(t, pull.Close())
			p.Wait()
		}
	})
}

// TestZeroMQPairs sends both ways between a Pair and libzmq's PAIR.
func TestZeroMQPairs(t *testing.T) {
	kit.EachWay(t, kit.LibZMQ, "pair – pair", func(t *testing.T, a kit.Address) {
		pair := spry.NewPair(&spry.PairOptions{Options: kit.Options})
		kit.MeetC(t, a, pair, "zmq_echo", "pair")
		for _, l := range loads {
			var sending sync.WaitGroup
			sending.Go(func() { kit.SendNumbered(t, pair, l.messages, l.size) })
			expectNumbered(t, pair, l.messages, l.size)
			sending.Wait()
		}
	})
}

// TestZeroMQRequests asks libzmq's REP and ROUTER, with many requests at once, and answers its REQ and DEALER.
func TestZeroMQRequests(t *testing.T) {
	for _, kind := range []string{"rep", "router"} {
		kit.EachWay(t, kit.LibZMQ, kind+" – req", func(t *testing.T, a kit.Address) {
			req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
			kit.MeetC(t, a, req, "zmq_echo", kind)
			ctx := kit.Watched(t)
			var callers sync.WaitGroup
			for c := range 8 {
				callers.Go(func() {
					for _, l := range loads {
						for i := range min(l.messages, 100) {
							want := kit.Numbered(l.size, 1000*c+i)
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
		kit.EachWay(t, kit.LibZMQ, kind+" – rep", func(t *testing.T, a kit.Address) {
			for _, l := range loads {
				a.URL = kit.NewAddress(t, a.Transport, a.SpryListens).URL
				rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
				served := make(chan error, 1)
				go func() { served <- rep.Serve(kit.Watched(t), 2, echo) }()
				p := kit.MeetC(t, a, rep, "zmq_ask", kind, fmt.Sprint(min(l.messages, 200)), fmt.Sprint(l.size))
				p.WaitLine("answered")
				testkit.Check(t, rep.Close())
				testkit.Check(t, <-served)
				p.Wait()
			}
		})
	}
}

var echo = spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) })

// TestZeroMQSubscriptions publishes to libzmq's SUB, which is sent only what it wants, and subscribes to its XPUB.
func TestZeroMQSubscriptions(t *testing.T) {
	kit.EachWay(t, kit.LibZMQ, "sub – pub", func(t *testing.T, a kit.Address) {
		const messages = 1000
		pub := spry.NewPub(&spry.PubOptions{Options: kit.Options, Overflow: spry.Block})
		p := kit.MeetC(t, a, pub, "zmq_recv", "sub", fmt.Sprint(messages/2), "wanted")
		ctx, wanted := kit.Watched(t), kit.NewTally()
		testkit.Check(t, pub.WaitSubscribers(ctx, "wanted", 1))
		for i := range messages {
			b := fmt.Appendf(nil, "%s %d", []string{"wanted", "other"}[i%2], i)
			testkit.Check(t, pub.Send(ctx, b))
			if i%2 == 0 {
				wanted.Add(b)
			}
		}
		kit.ExpectTally(t, p, wanted)
		if sent := pub.Stats().Send.Offered; sent != messages/2 {
			t.Errorf("%d messages were sent to a subscriber of half of %d", sent, messages)
		}
	})
	kit.EachWay(t, kit.LibZMQ, "xpub – sub", func(t *testing.T, a kit.Address) {
		sub := spry.NewSub(&spry.SubOptions{Options: kit.Options, Overflow: spry.Block})
		testkit.Check(t, sub.Subscribe("")) // the publisher waits for it
		p := kit.MeetC(t, a, sub, "zmq_send", "xpub", "1000", "100")
		expectNumbered(t, sub, 1000, 100)
		p.Wait()
	})
}

// TestAllFamiliesOnOnePort has one Pull, one Pub and one Rep serve programs of libzmq, nng and nanomsg at once, each on one
// port.
func TestAllFamiliesOnOnePort(t *testing.T) {
	const messages, size = 500, 100
	for _, transport := range []string{"tcp", "ipc"} {
		families := map[string]string{kit.LibZMQ: "zmq_", kit.LibNNG: "nng_", kit.LibNanomsg: "nn_"}
		if transport == "ipc" {
			delete(families, kit.LibNNG) // two of one family are enough there
		}
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			t.Run("pull", func(t *testing.T) {
				a := kit.NewAddress(t, transport, true)
				pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
				kit.Attach(t, pull, a)
				var ps []*peer.Process
				for _, prefix := range families {
					args := []string{a.How(), a.URL, "push"}
					if prefix != "zmq_" {
						args = append(args, "1")
					}
					ps = append(ps, kit.StartC(t, prefix+"send", append(args, fmt.Sprint(messages), fmt.Sprint(size))...))
				}
				next := map[spry.Protocol]int{}
				byPipe := map[uint32]int{}
				ctx := kit.Watched(t)
				for range messages * len(families) {
					m, err := pull.RecvMsg(ctx)
					testkit.Check(t, err)
					i := byPipe[m.Pipe().ID()]
					byPipe[m.Pipe().ID()]++
					next[m.Pipe().PeerProtocol()]++
					if string(m.Bytes()) != string(kit.Numbered(size, i)) {
						t.Fatalf("message %d of %s differs", i, m.Pipe().Dialect())
					}
					m.Release()
				}
				if len(byPipe) != len(families) || next[spry.ProtocolPush] != messages*len(families) {
					t.Errorf("messages by pipe %v, by protocol %v", byPipe, next)
				}
				if s := pull.Stats().Recv; s.Arrived != uint64(messages*len(families)) || len(s.Dropped) > 0 {
					t.Errorf("the counters say %+v", s)
				}
				for _, p := range ps {
					p.Wait()
				}
			})
			t.Run("rep", func(t *testing.T) {
				a := kit.NewAddress(t, transport, true)
				rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
				kit.Attach(t, rep, a)
				served := make(chan error, 1)
				go func() { served <- rep.Serve(kit.Watched(t), 4, echo) }()
				z := kit.StartC(t, "zmq_ask", a.How(), a.URL, "req", fmt.Sprint(messages), fmt.Sprint(size))
				n := kit.StartC(t, "nn_ask", a.How(), a.URL, "req", fmt.Sprint(messages), fmt.Sprint(size))
				z.WaitLine("answered")
				z.Wait()
				n.Wait()
				testkit.Check(t, rep.Close())
				testkit.Check(t, <-served)
			})
		})
	}
}

// TestPerformanceToolsMeetZeroMQ has the command, by the names of libzmq's performance tools, meet programs of libzmq.
func TestPerformanceToolsMeetZeroMQ(t *testing.T) {
	spryTool := func(args ...string) *peer.Process {
		return peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), args...)
	}
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a := kit.NewAddress(t, transport, false)
			kit.StartC(t, "zmq_echo", "listen", a.URL, "rep")
			if out := spryTool("remote_lat", a.URL, "64", "100").Wait(); !strings.Contains(out, "average latency: ") {
				t.Errorf("remote_lat printed %q", out)
			}
			a = kit.NewAddress(t, transport, false)
			sink := kit.StartC(t, "zmq_recv", "listen", a.URL, "pull", "1000")
			spryTool("remote_thr", a.URL, "64", "1000").Wait()
			if line := sink.WaitLine("count"); !strings.HasPrefix(line, "count 1000 bytes 64000 ") {
				t.Errorf("from remote_thr came %q", line)
			}
			a = kit.NewAddress(t, transport, true)
			measures := spryTool("local_thr", a.URL, "64", "1000")
			peer.WaitListening(t, a.URL)
			kit.StartC(t, "zmq_send", "dial", a.URL, "push", "1000", "64").WaitLine("sent")
			if out := measures.Wait(); !strings.Contains(out, "mean throughput: ") {
				t.Errorf("local_thr printed %q", out)
			}
		})
	}
}
