// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// bodies are of all the sizes at which something changes: empty, small, copied or by reference, beyond a chunk.
func bodies() [][]byte {
	var all [][]byte
	for _, n := range []int{0, 1, 100, 8<<10 - 1, 8 << 10, 64 << 10, 256<<10 + 1, 1 << 20} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i*7 + n)
		}
		all = append(all, b)
	}
	return all
}

type sendsAndCloses interface {
	testkit.Socket
	Send(context.Context, []byte) error
}

type receivesAndCloses interface {
	testkit.Socket
	Recv(context.Context) ([]byte, error)
}

// carry checks that every body arrives at all receivers, in order.
func carry(t *testing.T, from sendsAndCloses, to ...receivesAndCloses) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, b := range bodies() {
			if err := from.Send(ctx, b); err != nil {
				t.Errorf("send %d bytes: %v", len(b), err)
				return
			}
		}
	})
	for i, r := range to {
		for _, want := range bodies() {
			got, err := r.Recv(ctx)
			testkit.Check(t, err)
			if string(got) != string(want) {
				t.Fatalf("receiver %d got %d bytes that are not the %d sent", i, len(got), len(want))
			}
		}
	}
	sending.Wait()
}

func TestPushPullDelivers(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		w.join(t, push, pull)
		carry(t, push, pull)
		testkit.Shut(t, push, pull)
	})
}

func TestPairDelivers(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		for name, v0 := range map[string][2]bool{
			"1 to 1": {false, false}, "0 to 0": {true, true}, "0 to a listening 1": {true, false},
		} {
			t.Run(name, func(t *testing.T) {
				a := spry.NewPair(&spry.PairOptions{Options: w.options, V0: v0[0]})
				b := spry.NewPair(&spry.PairOptions{Options: w.options, V0: v0[1]})
				w.join(t, a, b)
				carry(t, a, b)
				carry(t, b, a)
				testkit.Shut(t, a, b)
			})
		}
	})
}

func TestBusDelivers(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		var nodes [3]*spry.Bus
		for i := range nodes {
			nodes[i] = spry.NewBus(&spry.BusOptions{Options: w.options})
			e := w.listen(t, nodes[i])
			for _, earlier := range nodes[:i] {
				testkit.DialTo(t, earlier, e)
			}
		}
		for _, n := range nodes {
			testkit.Check(t, n.WaitPipes(testkit.Watchdog(t), 2))
		}
		carry(t, nodes[0], nodes[1], nodes[2])
		if m, err := nodes[0].TryRecvMsg(); m != nil {
			t.Errorf("a bus hears itself: %v %v", m, err)
		}
		testkit.Shut(t, nodes[0], nodes[1], nodes[2])
	})
}

func TestPubSubDelivers(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		pub := spry.NewPub(&spry.PubOptions{Options: w.options})
		all, some := spry.NewSub(&spry.SubOptions{Options: w.options}), spry.NewSub(&spry.SubOptions{Options: w.options})
		testkit.Check(t, all.Subscribe(""))
		testkit.Check(t, some.Subscribe("a.", "b."))
		own := some.Open("c.")
		e := w.listen(t, pub)
		testkit.DialTo(t, all, e)
		testkit.DialTo(t, some, e)
		testkit.Check(t, pub.WaitSubscribers(ctx, "a.1", 2))
		testkit.Check(t, pub.WaitSubscribers(ctx, "c.", 2))
		carry(t, pub, all)

		topics := []string{"a.1", "x.2", "c.3", "b.4", "a"}
		for _, topic := range topics {
			testkit.Check(t, pub.Send(ctx, []byte(topic)))
		}
		for r, wants := range map[interface {
			Recv(context.Context) ([]byte, error)
		}][]string{all: topics, some: {"a.1", "b.4"}, own: {"c.3"}} {
			for _, want := range wants {
				got, err := r.Recv(ctx)
				testkit.Check(t, err)
				if string(got) != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		}
		testkit.Check(t, pub.Close())
		testkit.Eventually(t, "everything is filtered or taken", func() bool {
			r := some.Stats().Recv
			filtered := uint64(len(bodies()) + 2)
			if strings.HasPrefix(w.scheme, "zmtp+") { // by the publisher
				filtered = 0
			}
			return r.Filtered == filtered && r.Delivered == 3
		})
		testkit.Shut(t, all, some)
	})
}

func TestReqRepDelivers(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: w.options}), spry.NewRep(&spry.RepOptions{Options: w.options})
		w.join(t, req, rep)
		served := make(chan error, 1)
		go func() {
			served <- rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { testkit.Check(t, r.Reply(ctx, r.Bytes())) }))
		}()
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for _, b := range bodies() {
					got, err := req.Do(ctx, b)
					if err != nil || string(got) != string(b) {
						t.Errorf("a request of %d bytes was answered by %d: %v", len(b), len(got), err)
					}
				}
			})
		}
		callers.Wait()
		testkit.Shut(t, req, rep)
		testkit.Check(t, <-served)
	})
}

func TestSurveyDelivers(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: w.options, Deadline: testkit.Patience})
		e := w.listen(t, surveyor)
		var respondents []testkit.Socket
		var served sync.WaitGroup
		for range 3 {
			r := spry.NewRespondent(&spry.RespondentOptions{Options: w.options})
			testkit.DialTo(t, r, e)
			respondents = append(respondents, r)
			served.Go(func() {
				testkit.Check(t, r.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, q *spry.Request) { testkit.Check(t, q.Reply(ctx, q.Bytes())) })))
			})
		}
		testkit.Check(t, surveyor.WaitPipes(ctx, 3))
		for _, b := range bodies() {
			answers := 0
			for m, err := range surveyor.Survey(ctx, b) {
				testkit.Check(t, err)
				if string(m.Bytes()) != string(b) {
					t.Errorf("a survey of %d bytes was answered by %d", len(b), m.Len())
				}
				if answers++; answers == 3 {
					break
				}
			}
		}
		testkit.Shut(t, append([]testkit.Socket{surveyor}, respondents...)...)
		served.Wait()
	})
}

// Every pattern works over a connection that somebody else made.
func TestAttachedDelivers(t *testing.T) {
	l := link{attached: true}
	for name, p := range proxiedPatterns() {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p.talk(t, l.options, func(a, b testkit.Socket) {
				l.join(t, a.(testkit.Attacher), b.(testkit.Attacher))
				testkit.Check(t, b.WaitPipes(testkit.Watchdog(t), 1))
			})
		})
	}
}

func TestPairPolySendsToWhomItNames(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		hub := spry.NewPairPoly(&spry.PairOptions{Options: w.options})
		e := w.listen(t, hub)
		all := []testkit.Socket{hub}
		var spokes []*spry.Pair
		for i := range 3 {
			p := spry.NewPair(&spry.PairOptions{Options: w.options})
			testkit.DialTo(t, p, e)
			testkit.Check(t, p.Send(ctx, []byte{byte(i)}))
			spokes, all = append(spokes, p), append(all, p)
		}
		for range spokes {
			m, err := hub.RecvMsg(ctx)
			testkit.Check(t, err)
			pipe := m.Pipe()
			testkit.Check(t, hub.SendTo(ctx, pipe, []byte{m.Bytes()[0] + 100}))
		}
		var last *spry.Pipe
		for p := range hub.Pipes() {
			last = p
		}
		for i, p := range spokes {
			got, err := p.Recv(ctx)
			testkit.Check(t, err)
			if got[0] != byte(i+100) {
				t.Errorf("spoke %d got %d", i, got[0])
			}
		}
		testkit.Check(t, last.Close())
		<-last.Done()
		if err := hub.SendTo(ctx, last, nil); !errors.Is(err, spry.ErrPipeClosed) {
			t.Errorf("SendTo a pipe that is over: %v, want ErrPipeClosed", err)
		}
		testkit.Shut(t, all...)
	})
}
