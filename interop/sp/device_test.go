// SPDX-License-Identifier: MIT

package sp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

// A passage is a pattern seen from the two sides of a device: it makes Spry's sockets for both, and brings a message
// from one to the other.
type passage struct {
	kind    string // of nng_device
	nanomsg string // of nn_device; "" where it has none
	cross   func(t *testing.T, front, back kit.Address) (pass func(i int))
}

var passages = []passage{
	{"reqrep", "reqrep", crossRequests},
	{"survey", "survey", crossSurveys},
	{"pipeline", "pipeline", func(t *testing.T, front, back kit.Address) func(int) {
		push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
		pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
		kit.Attach(t, push, front)
		kit.Attach(t, pull, back)
		return func(i int) { passUntilThere(t, i, push.Send, pull.Recv) }
	}},
	{"pubsub", "pubsub", func(t *testing.T, front, back kit.Address) func(int) {
		pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
		sub := spry.NewSub(&spry.SubOptions{Options: kit.Options})
		testkit.Check(t, sub.Subscribe(""))
		kit.Attach(t, pub, front)
		kit.Attach(t, sub, back)
		kit.WaitPipes(t, pub, 1)
		return func(i int) { passUntilThere(t, i, pub.Send, sub.Recv) }
	}},
	{"pair0", "pair", func(t *testing.T, front, back kit.Address) func(int) { return crossPairs(t, front, back, true) }},
	{"pair1", "", func(t *testing.T, front, back kit.Address) func(int) { return crossPairs(t, front, back, false) }},
	{"bus", "bus", func(t *testing.T, front, back kit.Address) func(int) {
		a := spry.NewBus(&spry.BusOptions{Options: kit.Options})
		b := spry.NewBus(&spry.BusOptions{Options: kit.Options})
		kit.Attach(t, a, front)
		kit.Attach(t, b, back)
		kit.WaitPipes(t, a, 1)
		kit.WaitPipes(t, b, 1)
		return func(i int) {
			passUntilThere(t, i, a.Send, b.Recv)
			passUntilThere(t, i, b.Send, a.Recv)
		}
	}},
}

// TestForeignDevices brings messages from one of Spry's sockets to another through a device of each library.
func TestForeignDevices(t *testing.T) {
	const messages = 100
	for _, p := range passages {
		for library_, kind := range map[string]string{kit.LibNNG: p.kind, kit.LibNanomsg: p.nanomsg} {
			if kind == "" {
				continue
			}
			for _, transport := range []string{"tcp", "ipc"} {
				t.Run(fmt.Sprintf("%s/%s/%s", library_, kind, transport), func(t *testing.T) {
					kit.Results.Track(t, kit.Row(library_, kind+" device between two of Spry", transport, "it listens"), kit.Library)
					t.Parallel()
					front, back := kit.NewAddress(t, transport, false), kit.NewAddress(t, transport, false)
					kit.StartC(t, map[string]string{kit.LibNNG: "nng_device", kit.LibNanomsg: "nn_device"}[library_], kind, front.URL, back.URL)
					pass := p.cross(t, front, back)
					for i := range messages {
						pass(i)
					}
				})
			}
		}
	}
}

// TestChainOfDevices has requests cross libnng's device, Spry's proxy and libnanomsg's device, so that three programs
// push and pop each other's routing headers.
func TestChainOfDevices(t *testing.T) {
	kit.Results.Track(t, kit.Row(kit.LibNNG+", "+kit.LibNanomsg, "chain of 3 devices, one of them Spry's", "tcp", "it listens"), kit.Library)
	t.Parallel()
	front, middle, further, back := kit.NewAddress(t, "tcp", false), kit.NewAddress(t, "tcp", false), kit.NewAddress(t, "ipc", false), kit.NewAddress(t, "tcp", false)
	kit.StartC(t, "nng_device", "reqrep", front.URL, middle.URL)
	kit.StartC(t, "nn_device", "reqrep", further.URL, back.URL)
	kit.Proxy(t, spry.ProtocolRep, middle, spry.ProtocolReq, further)
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	kit.Attach(t, rep, back)
	echoRequests(t, rep)
	req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
	kit.Attach(t, req, front)
	callConcurrently(t, req, 16, rounds)
}

// TestProxyBetweenForeignEnds puts Spry's proxy between foreign programs.
func TestProxyBetweenForeignEnds(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run("reqrep/"+transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(kit.LibNNG, "64 req – proxy – 64 rep", transport, "it dials"), kit.Library)
			t.Parallel()
			front, back := kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, true)
			kit.Proxy(t, spry.ProtocolRep, front, spry.ProtocolReq, back)
			server := kit.StartC(t, "nng_rep_contexts", back.How(), back.URL, fmt.Sprint(contexts), fmt.Sprint(rounds))
			client := kit.StartC(t, "nng_req_contexts", front.How(), front.URL, fmt.Sprint(contexts), fmt.Sprint(rounds))
			client.WaitLine(fmt.Sprintf("answered %d", contexts*rounds))
			server.WaitLine(fmt.Sprintf("served %d", contexts*rounds))
		})
		t.Run("pipeline/"+transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(kit.LibNNG+", "+kit.LibNanomsg, "push – proxy – pull", transport, "it dials"), kit.Library)
			t.Parallel()
			front, back := kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, true)
			kit.Proxy(t, spry.ProtocolPull, front, spry.ProtocolPush, back)
			pull := kit.StartC(t, "nn_recv", back.How(), back.URL, "pull", "1000")
			kit.StartC(t, "nng_send", front.How(), front.URL, "push", "1", "1000", "500")
			kit.ExpectTally(t, pull, kit.NumberedTally(1000, 500))
		})
		t.Run("pair/"+transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(kit.LibNanomsg, "pair – proxy – pair", transport, "it dials"), kit.Library)
			t.Parallel()
			front, back := kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, true)
			kit.Proxy(t, spry.ProtocolPair0, front, spry.ProtocolPair0, back)
			kit.StartC(t, "nn_echo", back.How(), back.URL, "pair")
			kit.StartC(t, "nn_ask", front.How(), front.URL, "pair", "200", "1000").WaitLine("answered 200")
		})
	}
}

func crossRequests(t *testing.T, front, back kit.Address) func(int) {
	t.Helper()
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	kit.Attach(t, rep, back)
	echoRequests(t, rep)
	req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
	kit.Attach(t, req, front)
	return func(i int) {
		t.Helper()
		want := kit.Numbered(i, i)
		kit.Same(t, "the echo has", kit.Must[[]byte](t)(req.Do(kit.Watched(t), want)), want)
	}
}

// crossSurveys makes surveys until one is answered: the device drops those that come before the respondent.
func crossSurveys(t *testing.T, front, back kit.Address) func(int) {
	t.Helper()
	respondent := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
	kit.Attach(t, respondent, back)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			r, err := respondent.Recv(ctx)
			if err != nil {
				return
			}
			_ = r.Reply(ctx, r.Bytes()) // the surveyor checks what it gets
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: kit.Options, Deadline: time.Second})
	kit.Attach(t, surveyor, front)
	return func(i int) {
		t.Helper()
		want := kit.Numbered(i, i)
		for ctx := kit.Watched(t); ctx.Err() == nil; {
			for m, err := range surveyor.Survey(ctx, want) {
				testkit.Check(t, err)
				kit.Same(t, "the answer has", m.Bytes(), want)
				return
			}
		}
		t.Fatalf("survey %d was never answered", i)
	}
}

func crossPairs(t *testing.T, front, back kit.Address, v0 bool) func(int) {
	t.Helper()
	a := spry.NewPair(&spry.PairOptions{Options: kit.Options, V0: v0})
	b := spry.NewPair(&spry.PairOptions{Options: kit.Options, V0: v0})
	kit.Attach(t, a, front)
	kit.Attach(t, b, back)
	return func(i int) {
		t.Helper()
		passUntilThere(t, i, a.Send, b.Recv)
		passUntilThere(t, i, b.Send, a.Recv)
	}
}

// passUntilThere sends message i, and again if it has not come after a while, because devices of lossy patterns drop
// what comes before all their peers. Copies of earlier messages are skipped.
func passUntilThere(t *testing.T, i int, send func(context.Context, []byte) error, recv func(context.Context) ([]byte, error)) {
	t.Helper()
	ctx := kit.Watched(t)
	want := kit.Numbered(8+i, i)
	for {
		testkit.Check(t, send(ctx, want))
		for {
			waiting, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
			got, err := recv(waiting)
			cancel()
			switch {
			case err == nil && len(got) == len(want):
				kit.Same(t, "Spry received", got, want)
				return
			case err == nil && len(got) < len(want):
				continue // a second copy of an earlier message
			case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			default:
				t.Fatalf("message %d: got %d bytes, %v", i, len(got), err)
			}
			break
		}
	}
}
