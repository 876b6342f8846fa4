// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// The conformance suite: what a pattern promises is written once and run over every kind of link.

// A wire is one kind of link, with options for the sockets that are to use it.
type wireUnderTest struct {
	scheme  string
	options spry.Options
}

// The wires. "sim" is a stream in memory, "simmsg" a link of whole messages, which proves that a transport without a
// stream of bytes fits.
var (
	spWires   = []string{"inproc", "ipc", "tcp", "tls+tcp", "sim", "simmsg"}
	zmtpWires = []string{"zmtp+ipc", "zmtp+tcp", "zmtp+tls+tcp"}
)

// overEveryWire runs f over every transport and dialect.
func overEveryWire(t *testing.T, f func(t *testing.T, w wireUnderTest)) {
	overWires(t, slices.Concat(spWires, zmtpWires), f)
}

// overSPWires is overEveryWire for what ZeroMQ has no twin of: surveys, buses, hop counts, filtering by the subscriber.
func overSPWires(t *testing.T, f func(t *testing.T, w wireUnderTest)) { overWires(t, spWires, f) }

func overWires(t *testing.T, wires []string, f func(t *testing.T, w wireUnderTest)) {
	for _, scheme := range wires {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			w := wireUnderTest{scheme: scheme, options: spry.Options{Name: t.Name()}}
			if scheme == "sim" || scheme == "simmsg" {
				w.options.Transports = []transport.Transport{simnet.New(7)}
			}
			f(t, w)
		})
	}
}

// join makes b listen and a dial it.
func (w wireUnderTest) join(t *testing.T, a, b testkit.Socket) {
	t.Helper()
	testkit.DialTo(t, a, w.listen(t, b))
}

func (w wireUnderTest) listen(t *testing.T, s testkit.Socket) *spry.Endpoint {
	t.Helper()
	if w.options.Transports == nil {
		return testkit.ListenOn(t, s, w.scheme)
	}
	e, err := s.ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: fmt.Sprintf("%s://n%d", w.scheme, testkit.Fresh())})
	testkit.Check(t, err)
	return e
}

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

func TestPipelineConforms(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		w.join(t, push, pull)
		carry(t, push, pull)
		testkit.Shut(t, push, pull)
	})
}

func TestPairConforms(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		for name, versions := range map[string][2]spry.PairVersion{
			"1 to 1": {spry.PairV1, spry.PairV1}, "0 to 0": {spry.PairV0, spry.PairV0}, "0 to a listening 1": {spry.PairV0, spry.PairV1},
		} {
			t.Run(name, func(t *testing.T) {
				a := spry.NewPair(&spry.PairOptions{Options: w.options, Version: versions[0]})
				b := spry.NewPair(&spry.PairOptions{Options: w.options, Version: versions[1]})
				w.join(t, a, b)
				carry(t, a, b)
				carry(t, b, a)
				testkit.Shut(t, a, b)
			})
		}
	})
}

func TestBusConforms(t *testing.T) {
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

func TestPubSubConforms(t *testing.T) {
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

func TestReqRepConforms(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: w.options}), spry.NewRep(&spry.RepOptions{Options: w.options})
		w.join(t, req, rep)
		served := make(chan error, 1)
		go func() {
			served <- rep.Handle(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { testkit.Check(t, r.Reply(ctx, r.Bytes())) }))
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

func TestSurveyConforms(t *testing.T) {
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
				testkit.Check(t, r.Handle(ctx, 1, spry.HandlerFunc(func(ctx context.Context, q *spry.Request) { testkit.Check(t, q.Reply(ctx, q.Bytes())) })))
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
