// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// echo answers requests with their own frames until rep is closed.
func echo(t *testing.T, rep *zmq.Rep) (done chan error) {
	t.Helper()
	done = make(chan error, 1)
	go func() {
		done <- rep.Serve(context.Background(), 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			if err := r.ReplyMsg(ctx, r.Message().Clone()); err != nil {
				t.Errorf("reply: %v", err)
			}
		}))
	}()
	return done
}

// Requests and replies have frames, and any number of them may be on their way.
func TestRequestsHaveFrames(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req, rep := zmq.NewReq(nil), zmq.NewRep(nil)
		join(t, scheme, req, rep)
		served := echo(t, rep)
		var callers sync.WaitGroup
		for i := range 4 {
			callers.Go(func() {
				for _, frames := range append(samples(false), raw("mine", fmt.Sprint(i)), nil) {
					got, err := req.Do(ctx, frames...)
					if len(frames) == 0 {
						frames = [][]byte{{}}
					}
					if err != nil || text(got) != text(frames) {
						t.Errorf("%s was answered by %s, %v", text(frames), text(got), err)
					}
				}
			})
		}
		callers.Wait()
		reply, err := req.DoMsg(ctx, message("a", "", "b"))
		testkit.Check(t, err)
		is(t, framesOf(reply), "a", "", "b")
		testkit.Shut(t, req, rep)
		testkit.Check(t, <-served)
	})
}

// A Dealer asks a Rep by envelopes of an empty frame, after any number of ids, and gets them back.
func TestDealerAsksRep(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		dealer, rep := zmq.NewDealer(nil), zmq.NewRep(nil)
		join(t, scheme, dealer, rep)
		served := echo(t, rep)
		for _, frames := range [][]string{
			{"", "body"},
			{"", ""},
			{"", "", ""},
			{"", "many", "", "frames"},
			{"id", "", "body"},
			{"1", "22", "4444", "", "body", "more"},
			{"\x80\x00\x00\x01", "", "an id as a Req has it"},
			{"\x80\x00\x00\x00", "", "one as nobody has it"},
			{"\x00\x00\x00\x01", "\x80\x00\x00\x01", "", "a backtrace"},
			{strings.Repeat("x", 255), "", "longest"},
			{"a", "b", "c", "d", "e", "f", "g", "h", "", "as many as TTL"},
		} {
			testkit.Check(t, dealer.Send(ctx, raw(frames...)...))
			expect(t, dealer, frames...)
		}
		bad := [][]string{{"no envelope"}, {"no", "empty", "frame"}, {""}, {"nothing", ""}, {strings.Repeat("x", 256), "", "too long"}, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "", "too many"}}
		for _, frames := range bad {
			testkit.Check(t, dealer.Send(ctx, raw(frames...)...))
		}
		testkit.Check(t, dealer.Send(ctx, raw("", "good")...))
		expect(t, dealer, "", "good")
		if d := rep.Stats().Recv.Dropped; testkit.Sum(d) != uint64(len(bad)) {
			t.Errorf("dropped are %v, want %d", d, len(bad))
		}
		testkit.Shut(t, dealer, rep)
		testkit.Check(t, <-served)
	})
}

// A Router answers a Req that correlates with the frames that its request began with.
func TestReqAsksRouter(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		req := zmq.NewReq(&zmq.ReqOptions{Options: zmq.Options{Identity: "asker"}, Correlate: true})
		router := zmq.NewRouter(nil)
		join(t, scheme, req, router)
		answered := make(chan string)
		ask := func(frames ...string) {
			got, err := req.Do(ctx, raw(frames...)...)
			if err != nil {
				t.Error(err)
			}
			answered <- text(got)
		}
		go ask("one", "more")
		first, err := router.Recv(ctx)
		testkit.Check(t, err)
		if len(first) != 5 || string(first[0]) != "asker" || len(first[1]) != 4 || len(first[2]) != 0 {
			t.Fatalf("a request is %s", text(first))
		}
		is(t, first[3:], "one", "more")
		go ask("two")
		second, err := router.Recv(ctx)
		testkit.Check(t, err)
		// In any order; what is nobody's answer is left out and counted.
		testkit.Check(t, router.Send(ctx, first[0], []byte("\x80\x01\x02\x03"), nil, []byte("to nobody")))
		testkit.Check(t, router.Send(ctx, append(second[:3:3], raw("two", "answers")...)...))
		if got := <-answered; got != text(raw("two", "answers")) {
			t.Errorf("answered %s", got)
		}
		testkit.Check(t, router.Send(ctx, append(first[:3:3], raw("")...)...))
		if got := <-answered; got != text(raw("")) {
			t.Errorf("answered %s", got)
		}
		testkit.Check(t, router.Send(ctx, append(first[:3:3], raw("late")...)...))
		testkit.Eventually(t, "two are stale", func() bool { return req.Stats().Recv.Dropped["stale"] == 2 })
		testkit.Shut(t, req, router)
	})
}

// A broker of a Router and a Dealer carries requests both ways, of Reqs to Reps that do not know of it.
func TestBroker(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		front, back := zmq.NewRouter(nil), zmq.NewDealer(nil)
		in, out := testkit.ListenOn(t, front, scheme), testkit.ListenOn(t, back, scheme)
		done := make(chan struct{}, 2)
		forward := func(from receiver, to sender) {
			for m, err := range from.Messages(context.Background()) {
				if err != nil || to.SendMsg(ctx, m) != nil {
					break
				}
			}
			done <- struct{}{}
		}
		go forward(front, back)
		go forward(back, front)
		var all []testkit.Socket
		var served []chan error
		for range 2 {
			rep := zmq.NewRep(nil)
			served = append(served, echo(t, rep))
			testkit.DialTo(t, rep, out)
			all = append(all, rep)
		}
		for i := range 2 {
			req := zmq.NewReq(nil)
			testkit.DialTo(t, req, in)
			for j := range 20 {
				got, err := req.Do(ctx, raw(fmt.Sprint(i, j), "", "end")...)
				testkit.Check(t, err)
				is(t, got, fmt.Sprint(i, j), "", "end")
			}
			all = slices.Insert(all, 0, testkit.Socket(req))
		}
		testkit.Shut(t, append(all, front, back)...)
		for _, s := range served {
			testkit.Check(t, <-s)
		}
		<-done
		<-done
	})
}

// An error of Do leaves nothing behind.
func TestDoEnds(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	req := zmq.NewReq(&zmq.ReqOptions{FailFast: true})
	_, err := req.Do(ctx, raw("a", "b")...)
	testkit.Wants(t, err, spry.ErrNoPeer)
	m := message("a", "b")
	_, err = req.DoMsg(ctx, m)
	testkit.Wants(t, err, spry.ErrNoPeer)
	is(t, framesOf(m), "a", "b")
	testkit.Shut(t, req)

	patient := zmq.NewReq(nil)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = patient.Do(gone, []byte("x"))
	testkit.Wants(t, err, context.Canceled)
	ended := make(chan error)
	go func() {
		_, err := patient.Do(ctx, []byte("x"))
		ended <- err
	}()
	testkit.Shut(t, patient)
	if err := <-ended; !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Do of a socket that was closed: %v", err)
	}
}
