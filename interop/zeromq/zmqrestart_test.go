// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/zmq"
)

// What the tests of restarts send: messages that together exceed what operating systems and small queues hold, so that a
// restart comes upon some that are on their way.
const (
	restartMessages = 6000
	restartSize     = 4096
	restarts        = 2
	restartAfter    = 1000       // messages received by each that is restarted
	lastMessage     = 0xffffffff // ends a run
)

// smallQueues bound what libzmq holds.
var smallQueues = args{"SNDHWM": 100, "RCVHWM": 100}

// TestZeroMQReceiversRestart kills libzmq's PULL while Spry's Push sends, and starts another. What did not arrive was sent on a
// connection that ended then, and is in the books as Unknown if it broke. Nothing arrives twice.
func TestZeroMQReceiversRestart(t *testing.T) {
	withPeer(t, "PULL killed and restarted under load – zmq PUSH", func(t *testing.T, p *zmqPeer, a kit.Address) {
		o := kit.Options
		o.SendQueue = 100
		push := zmq.NewPush(&zmq.PushOptions{Options: o})
		p.open("s", "PULL", a, smallQueues)
		kit.Attach(t, push, a)
		var sending sync.WaitGroup
		sending.Go(func() { sendRun(t, push.Send) })
		var received []int
		var met pipes
		for range restarts {
			received = append(received, result[[]int](t, p.do("recvids", args{"socket": "s", "count": restartAfter}))...)
			met.add(push.Socket)
			p.Reap()
			p = startPeer(t, kit.LibZMQ)
			p.open("s", "PULL", a, smallQueues)
		}
		received = append(received, result[[]int](t, p.do("recvids", args{"socket": "s", "until": lastMessage}))...)
		sending.Wait()
		testkit.Check(t, push.Close())
		counted := push.Stats().Send
		lost := restartMessages - len(distinct(t, received))
		if counted.Offered-counted.Returned != restartMessages+1 || counted.Queued != 0 || len(counted.Dropped) > 0 || uint64(lost) > counted.Unknown+met.closed() {
			t.Errorf("%d of %d messages are missing, and the counters say %+v", lost, restartMessages, counted)
		}
		t.Logf("%d of %d messages are missing, %d are unknown, %d were sent to another", lost, restartMessages, counted.Unknown, counted.Returned)
	})
}

// TestZeroMQReceiversMeetRestarts closes Spry's Push, which sends what it has first, and opens another, while libzmq's PULL
// receives. Everything arrives, once.
func TestZeroMQReceiversMeetRestarts(t *testing.T) {
	withPeer(t, "PULL – zmq PUSH closed and opened again under load", func(t *testing.T, p *zmqPeer, a kit.Address) {
		p.open("s", "PULL", a, smallQueues)
		received := p.begin("recvids", args{"socket": "s", "count": restartMessages})
		const each = restartMessages / (restarts + 1)
		o := kit.Options
		o.Linger = peer.Watchdog
		for incarnation := range restarts + 1 {
			push := zmq.NewPush(&zmq.PushOptions{Options: o})
			kit.Attach(t, push, a)
			for i := range each {
				testkit.Check(t, push.Send(kit.Watched(t), kit.Numbered(restartSize, incarnation*each+i)))
			}
			testkit.Check(t, push.Close())
			if counted := push.Stats().Send; counted.Sent != counted.Offered || counted.Returned > 0 || len(counted.Dropped) > 0 {
				t.Errorf("Push %d: the counters say %+v", incarnation, counted)
			}
		}
		ids := result[[]int](t, received())
		slices.Sort(ids) // libzmq takes turns between a connection that ends and the next one
		if !slices.Equal(ids, upFrom(0, restartMessages)) {
			t.Errorf("of %d messages came %d, %d of them different", restartMessages, len(ids), len(distinct(t, ids)))
		}
	})
}

// TestZeroMQSendersMeetRestarts closes Spry's Pull while libzmq's PUSH sends, and opens another. What is missing follows directly upon
// the last message that each took, and the ones that had arrived are in its books.
func TestZeroMQSendersMeetRestarts(t *testing.T) {
	withPeer(t, "PUSH – zmq PULL restarted under load", func(t *testing.T, p *zmqPeer, a kit.Address) {
		p.do("open", args{"socket": "s", "type": "PUSH", "options": smallQueues})
		p.attach("s", a)
		sent := p.begin("sendmany", args{"socket": "s", "count": restartMessages, "size": restartSize})
		ended := p.begin("sendmany", args{"socket": "s", "count": 1, "size": restartSize, "first": lastMessage})
		o := kit.Options
		o.RecvQueue = 100
		next, dropped := 0, 0
		for incarnation := range restarts + 1 {
			pull := zmq.NewPull(&zmq.PullOptions{Options: o})
			kit.Attach(t, pull, a)
			taken := recvRun(t, pull, incarnation < restarts)
			if taken[0] < next || !slices.Equal(taken, upFrom(taken[0], len(taken))) {
				t.Fatalf("after %d came %d messages that are not in order, or not whole", next-1, len(taken))
			}
			lost := taken[0] - next
			if lost < dropped {
				t.Errorf("%d messages are missing, though %d that had arrived were dropped", lost, dropped)
			}
			next = taken[len(taken)-1] + 1
			testkit.Check(t, pull.Close())
			counted := pull.Stats().Recv
			if counted.Delivered < uint64(len(taken)) || counted.Arrived != counted.Delivered+counted.Dropped["closed"] || counted.Queued != 0 {
				t.Errorf("%d messages were taken, and the counters say %+v", len(taken), counted)
			}
			dropped = int(counted.Dropped["closed"])
			t.Logf("Pull %d: %d messages taken, %d lost before, %d dropped by its end", incarnation, len(taken), lost, dropped)
		}
		if next != restartMessages {
			t.Errorf("the last message was %d", next-1)
		}
		sent()
		ended()
	})
}

// TestZeroMQSubscribersRestart kills libzmq's SUB while Spry's Pub publishes. Each gets an unbroken run of messages, and what it did
// not get of those that were sent to it is Unknown, if its connection broke.
func TestZeroMQSubscribersRestart(t *testing.T) {
	withPeer(t, "SUB killed and restarted under load – zmq PUB", func(t *testing.T, p *zmqPeer, a kit.Address) {
		subscribe := func() {
			t.Helper()
			p.do("open", args{"socket": "s", "type": "SUB", "options": smallQueues})
			p.do("subscribe", args{"socket": "s", "topics": []string{""}})
			p.attach("s", a)
		}
		o := kit.Options
		o.SendQueue = 100
		pub := zmq.NewPub(&zmq.PubOptions{Options: o, Overflow: spry.Block})
		kit.Attach(t, pub, a)
		ctx, cancel := context.WithCancel(kit.Watched(t))
		var sending sync.WaitGroup
		sending.Go(func() {
			for i := 0; ctx.Err() == nil && pub.WaitSubscribers(ctx, "", 1) == nil; i++ {
				if err := pub.Send(ctx, kit.Numbered(restartSize, i)); err != nil && ctx.Err() == nil {
					t.Errorf("publish %d: %v", i, err)
				}
			}
		})
		received, after := 0, -1
		var met pipes
		for incarnation := range restarts + 1 {
			if incarnation > 0 {
				p.Reap()
				p = startPeer(t, kit.LibZMQ)
			}
			subscribe()
			ids := result[[]int](t, p.do("recvids", args{"socket": "s", "count": restartAfter}))
			if ids[0] <= after || !slices.Equal(ids, upFrom(ids[0], len(ids))) {
				t.Errorf("after %d came messages that are not in order, or not whole", after)
			}
			received, after = received+len(ids), ids[len(ids)-1]
			met.add(pub.Socket)
		}
		cancel()
		sending.Wait()
		_ = pub.Close() // with messages for the last one
		counted := pub.Stats().Send
		lost := counted.Sent - uint64(received)
		if lost > counted.Unknown+met.closed() || counted.Offered != counted.Sent+counted.Returned+testkit.Sum(counted.Dropped) {
			t.Errorf("%d messages were received, and the counters say %+v", received, counted)
		}
		t.Logf("%d received of %d sent, %d unknown, dropped %v", received, counted.Sent, counted.Unknown, counted.Dropped)
	})
}

// TestZeroMQServersRestart kills libzmq's REP while callers wait for it. Every call gets its reply.
func TestZeroMQServersRestart(t *testing.T) {
	withPeer(t, "REP killed and restarted under load – zmq REQ", func(t *testing.T, p *zmqPeer, a kit.Address) {
		req, ctx := zmq.NewReq(&zmq.ReqOptions{Options: kit.Options}), kit.Watched(t)
		kit.Attach(t, req, a)
		const callers, calls = 8, 200
		p.open("s", "REP", a, nil)
		var calling sync.WaitGroup
		for c := range callers {
			calling.Go(func() {
				for i := range calls {
					question := fmt.Appendf(nil, "caller %d call %d", c, i)
					if got, err := req.Do(ctx, question); err != nil || len(got) != 1 || string(got[0]) != string(question) {
						t.Errorf("%s: %q, %v", question, got, err)
						return
					}
				}
			})
		}
		for range restarts {
			p.do("echo", args{"socket": "s", "count": callers * calls / 8})
			p.Reap()
			p = startPeer(t, kit.LibZMQ)
			p.open("s", "REP", a, nil)
		}
		p.begin("echo", args{"socket": "s", "count": 2 * callers * calls}) // until the test ends
		calling.Wait()
	})
}

// TestZeroMQClientsMeetRestarts closes Spry's Rep while libzmq's REQ, which asks again, waits for replies. Every question is answered.
func TestZeroMQClientsMeetRestarts(t *testing.T) {
	withPeer(t, "REQ – zmq REP restarted under load", func(t *testing.T, p *zmqPeer, a kit.Address) {
		const questions = 600
		p.do("open", args{"socket": "s", "type": "REQ", "options": args{"REQ_RELAXED": 1, "REQ_CORRELATE": 1}})
		p.attach("s", a)
		asked := p.begin("ask", args{"socket": "s", "count": questions, "size": 100, "retry_ms": 100})
		served := map[uint32]int{}
		for range restarts {
			rep := zmq.NewRep(&zmq.RepOptions{Options: kit.Options})
			kit.Attach(t, rep, a)
			for range questions / 4 {
				r := kit.Must[*spry.Request](t)(rep.Recv(kit.Watched(t)))
				served[idOf(r.Bytes())]++
				testkit.Check(t, r.Reply(kit.Watched(t), r.Bytes()))
			}
			kit.Must[*spry.Request](t)(rep.Recv(kit.Watched(t))) // which is never replied to
			testkit.Check(t, rep.Close())
		}
		rep := zmq.NewRep(&zmq.RepOptions{Options: kit.Options})
		kit.Attach(t, rep, a)
		ctx := kit.Watched(t)
		var serving sync.WaitGroup
		serving.Go(func() {
			for r, err := range rep.Requests(ctx) {
				if err != nil {
					t.Errorf("serving ended with %v", err)
					return
				}
				served[idOf(r.Bytes())]++
				_ = r.Reply(ctx, r.Bytes()) // the peer may have asked again and be gone
			}
		})
		again := result[int](t, asked())
		testkit.Check(t, rep.Close())
		serving.Wait()
		if len(served) != questions || again < restarts {
			t.Errorf("%d questions of %d came, %d asked again", len(served), questions, again)
		}
	})
}

// TestZeroMQSpryKilled kills the spry command while it sends to libzmq's PULL, and has another send. What arrives of the first one
// is what it sent first, without a gap; of the other it is everything.
func TestZeroMQSpryKilled(t *testing.T) {
	kit.EachWay(t, kit.LibZMQ, "PULL – push killed under load", func(t *testing.T, a kit.Address) {
		p := startPeer(t, kit.LibZMQ)
		p.open("s", "PULL", a, smallQueues)
		padding := strings.Repeat(".", restartSize)
		push := func(who string, n int) *peer.Process {
			lines := make([]byte, 0, n*(restartSize+20))
			for i := range n {
				lines = fmt.Appendf(lines, "%s %d %s\n", who, i, padding)
			}
			way, url := "--dial", a.Dialect+a.URL
			if a.SpryListens {
				way, url = "--listen", a.URL
			}
			return peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), "push", way, url, "--lines", "--file", kit.BodyFile(t, lines))
		}
		first := push("first", restartMessages)
		begun := result[[]string](t, p.do("recvlines", args{"socket": "s", "last": fmt.Sprintf("first 499 %s", padding)}))
		first.Reap()
		const rest = 500
		ended := p.begin("recvlines", args{"socket": "s", "last": fmt.Sprintf("second %d %s", rest-1, padding)})
		push("second", rest).Wait()
		came := append(begun, result[[]string](t, ended())...)
		next := map[string]int{}
		for _, line := range came {
			who, _, _ := strings.Cut(line, " ")
			if line != fmt.Sprintf("%s %d %s", who, next[who], padding) {
				t.Fatalf("after %d messages of the %s one came %.20q", next[who], who, line)
			}
			next[who]++
		}
		if next["second"] != rest || next["first"] == restartMessages {
			t.Errorf("received are %v", next)
		}
	})
}
