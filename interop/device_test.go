// SPDX-License-Identifier: MIT

package interop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// A passage is a pattern seen from the two sides of a device: it makes Spry's sockets for both, and brings a message
// from one to the other.
type passage struct {
	kind    string // of nng_device
	nanomsg string // of nn_device; "" where it has none
	cross   func(t *testing.T, front, back address) (pass func(i int))
}

var passages = []passage{
	{"reqrep", "reqrep", crossRequests},
	{"survey", "survey", crossSurveys},
	{"pipeline", "pipeline", func(t *testing.T, front, back address) func(int) {
		push := spry.NewPush(&spry.PushOptions{Options: options})
		pull := spry.NewPull(&spry.PullOptions{Options: options})
		attach(t, push, front)
		attach(t, pull, back)
		return func(i int) { passUntilThere(t, i, push.Send, pull.Recv) }
	}},
	{"pubsub", "pubsub", func(t *testing.T, front, back address) func(int) {
		pub := spry.NewPub(&spry.PubOptions{Options: options})
		sub := spry.NewSub(&spry.SubOptions{Options: options})
		check(t, sub.Subscribe(""))
		attach(t, pub, front)
		attach(t, sub, back)
		waitPipes(t, pub, 1)
		return func(i int) { passUntilThere(t, i, pub.Send, sub.Recv) }
	}},
	{"pair0", "pair", func(t *testing.T, front, back address) func(int) { return crossPairs(t, front, back, spry.PairV0) }},
	{"pair1", "", func(t *testing.T, front, back address) func(int) { return crossPairs(t, front, back, spry.PairV1) }},
	{"bus", "bus", func(t *testing.T, front, back address) func(int) {
		a := spry.NewBus(&spry.BusOptions{Options: options})
		b := spry.NewBus(&spry.BusOptions{Options: options})
		attach(t, a, front)
		attach(t, b, back)
		waitPipes(t, a, 1)
		waitPipes(t, b, 1)
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
		for library_, kind := range map[string]string{libnng: p.kind, libnanomsg: p.nanomsg} {
			if kind == "" {
				continue
			}
			for _, transport := range []string{"tcp", "ipc"} {
				t.Run(fmt.Sprintf("%s/%s/%s", library_, kind, transport), func(t *testing.T) {
					results.track(t, row{library_, kind + " device between two of Spry", transport, "it listens"}, library)
					t.Parallel()
					front, back := newAddress(t, transport, false), newAddress(t, transport, false)
					startC(t, map[string]string{libnng: "nng_device", libnanomsg: "nn_device"}[library_], kind, front.url, back.url)
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
	results.track(t, row{libnng + ", " + libnanomsg, "chain of 3 devices, one of them Spry's", "tcp", "it listens"}, library)
	t.Parallel()
	front, middle, further, back := newAddress(t, "tcp", false), newAddress(t, "tcp", false), newAddress(t, "ipc", false), newAddress(t, "tcp", false)
	startC(t, "nng_device", "reqrep", front.url, middle.url)
	startC(t, "nn_device", "reqrep", further.url, back.url)
	proxy(t, spry.ProtocolRep, middle, spry.ProtocolReq, further)
	rep := spry.NewRep(&spry.RepOptions{Options: options})
	attach(t, rep, back)
	echoRequests(t, rep)
	req := spry.NewReq(&spry.ReqOptions{Options: options})
	attach(t, req, front)
	callConcurrently(t, req, 16, rounds)
}

// TestProxyBetweenForeignEnds puts Spry's proxy between foreign programs.
func TestProxyBetweenForeignEnds(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run("reqrep/"+transport, func(t *testing.T) {
			results.track(t, row{libnng, "64 req – proxy – 64 rep", transport, "it dials"}, library)
			t.Parallel()
			front, back := newAddress(t, transport, true), newAddress(t, transport, true)
			proxy(t, spry.ProtocolRep, front, spry.ProtocolReq, back)
			server := startC(t, "nng_rep_contexts", back.how(), back.url, fmt.Sprint(contexts), fmt.Sprint(rounds))
			client := startC(t, "nng_req_contexts", front.how(), front.url, fmt.Sprint(contexts), fmt.Sprint(rounds))
			client.WaitLine(fmt.Sprintf("answered %d", contexts*rounds))
			server.WaitLine(fmt.Sprintf("served %d", contexts*rounds))
		})
		t.Run("pipeline/"+transport, func(t *testing.T) {
			results.track(t, row{libnng + ", " + libnanomsg, "push – proxy – pull", transport, "it dials"}, library)
			t.Parallel()
			front, back := newAddress(t, transport, true), newAddress(t, transport, true)
			proxy(t, spry.ProtocolPull, front, spry.ProtocolPush, back)
			pull := startC(t, "nn_recv", back.how(), back.url, "pull", "1000")
			startC(t, "nng_send", front.how(), front.url, "push", "1", "1000", "500")
			expectTally(t, pull, numberedTally(1000, 500))
		})
		t.Run("pair/"+transport, func(t *testing.T) {
			results.track(t, row{libnanomsg, "pair – proxy – pair", transport, "it dials"}, library)
			t.Parallel()
			front, back := newAddress(t, transport, true), newAddress(t, transport, true)
			proxy(t, spry.ProtocolPair0, front, spry.ProtocolPair0, back)
			startC(t, "nn_echo", back.how(), back.url, "pair")
			startC(t, "nn_ask", front.how(), front.url, "pair", "200", "1000").WaitLine("answered 200")
		})
	}
}

// proxy runs a Proxy between two raw sockets until the test ends.
func proxy(t *testing.T, a spry.Protocol, front address, b spry.Protocol, back address) {
	t.Helper()
	one := must[*spry.Raw](t)(spry.NewRaw(a, &options))
	two := must[*spry.Raw](t)(spry.NewRaw(b, &options))
	attach(t, one, front)
	attach(t, two, back)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- spry.Proxy(ctx, one, two, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the proxy ended with %v", err)
		}
	})
}

func crossRequests(t *testing.T, front, back address) func(int) {
	t.Helper()
	rep := spry.NewRep(&spry.RepOptions{Options: options})
	attach(t, rep, back)
	echoRequests(t, rep)
	req := spry.NewReq(&spry.ReqOptions{Options: options})
	attach(t, req, front)
	return func(i int) {
		t.Helper()
		want := numbered(i, i)
		same(t, "the echo has", must[[]byte](t)(req.Do(watched(t), want)), want)
	}
}

// crossSurveys makes surveys until one is answered: the device drops those that come before the respondent.
func crossSurveys(t *testing.T, front, back address) func(int) {
	t.Helper()
	respondent := spry.NewRespondent(&spry.RespondentOptions{Options: options})
	attach(t, respondent, back)
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
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: options, Deadline: time.Second})
	attach(t, surveyor, front)
	return func(i int) {
		t.Helper()
		want := numbered(i, i)
		for ctx := watched(t); ctx.Err() == nil; {
			for m, err := range surveyor.Survey(ctx, want) {
				check(t, err)
				same(t, "the answer has", m.Bytes(), want)
				return
			}
		}
		t.Fatalf("survey %d was never answered", i)
	}
}

func crossPairs(t *testing.T, front, back address, version spry.PairVersion) func(int) {
	t.Helper()
	a := spry.NewPair(&spry.PairOptions{Options: options, Version: version})
	b := spry.NewPair(&spry.PairOptions{Options: options, Version: version})
	attach(t, a, front)
	attach(t, b, back)
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
	ctx := watched(t)
	want := numbered(8+i, i)
	for {
		check(t, send(ctx, want))
		for {
			waiting, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
			got, err := recv(waiting)
			cancel()
			switch {
			case err == nil && len(got) == len(want):
				same(t, "Spry received", got, want)
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
