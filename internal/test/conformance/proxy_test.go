// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A proxied pattern is two sockets that talk through raw ones.
type proxied struct {
	front, back spry.Protocol
	// talk makes the sockets, hands them to be joined to the proxy's front and back, and checks that they talk.
	talk func(t *testing.T, o spry.Options, join func(atFront, atBack testkit.Socket))
}

func proxiedPatterns() map[string]proxied {
	return map[string]proxied{
		"pipeline": {spry.ProtocolPull, spry.ProtocolPush, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
			join(push, pull)
			carry(t, push, pull)
			testkit.Shut(t, push, pull)
		}},
		"pubsub": {spry.ProtocolSub, spry.ProtocolPub, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
			testkit.Check(t, sub.Subscribe(""))
			join(pub, sub)
			carry(t, pub, sub)
			testkit.Shut(t, pub, sub)
		}},
		"pair": {spry.ProtocolPair1, spry.ProtocolPair1, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
			join(a, b)
			carry(t, a, b)
			carry(t, b, a)
			testkit.Shut(t, a, b)
		}},
		"bus": {spry.ProtocolBus, spry.ProtocolBus, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			a, b := spry.NewBus(&spry.BusOptions{Options: o}), spry.NewBus(&spry.BusOptions{Options: o})
			join(a, b)
			carry(t, a, b)
			carry(t, b, a)
			testkit.Shut(t, a, b)
		}},
		"reqrep": {spry.ProtocolRep, spry.ProtocolReq, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
			join(req, rep)
			served := make(chan error, 1)
			go func() { served <- rep.Serve(context.Background(), 2, echo(t)) }()
			for _, b := range bodies() {
				got, err := req.Do(testkit.Watchdog(t), b)
				testkit.Check(t, err)
				if string(got) != string(b) {
					t.Errorf("%d bytes came back as %d", len(b), len(got))
				}
			}
			testkit.Shut(t, req, rep)
			testkit.Check(t, <-served)
		}},
		"survey": {spry.ProtocolRespondent, spry.ProtocolSurveyor, func(t *testing.T, o spry.Options, join func(a, b testkit.Socket)) {
			surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: testkit.Patience})
			respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
			join(surveyor, respondent)
			served := make(chan error, 1)
			go func() { served <- respondent.Serve(context.Background(), 2, echo(t)) }()
			for m, err := range surveyor.Survey(testkit.Watchdog(t), []byte("who?")) {
				testkit.Check(t, err)
				if string(m.Bytes()) != "who?" {
					t.Errorf("answer %q", m.Bytes())
				}
				break
			}
			testkit.Shut(t, surveyor, respondent)
			testkit.Check(t, <-served)
		}},
	}
}

func echo(t *testing.T) spry.Handler {
	return spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { testkit.Check(t, r.Reply(ctx, r.Bytes())) })
}

// Every pattern works through a proxy as without one.
func TestProxyDelivers(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		for name, p := range proxiedPatterns() {
			t.Run(name, func(t *testing.T) {
				front, err := spry.NewRaw(p.front, &w.options)
				testkit.Check(t, err)
				back, err := spry.NewRaw(p.back, &w.options)
				testkit.Check(t, err)
				atFront, atBack := w.listen(t, front), w.listen(t, back)
				ended := make(chan error, 1)
				go func() { ended <- spry.Proxy(context.Background(), front, back, nil) }()
				p.talk(t, w.options, func(a, b testkit.Socket) {
					testkit.DialTo(t, a, atFront)
					testkit.DialTo(t, b, atBack)
					testkit.Check(t, front.WaitPipes(testkit.Watchdog(t), 1))
					testkit.Check(t, back.WaitPipes(testkit.Watchdog(t), 1))
				})
				testkit.Shut(t, front, back)
				if err := <-ended; !errors.Is(err, spry.ErrClosed) {
					t.Errorf("Proxy ended with %v, want ErrClosed", err)
				}
			})
		}
	})
}

func TestProxyRefusesWhatDoesNotFit(t *testing.T) {
	a, err := spry.NewRaw(spry.ProtocolRep, nil)
	testkit.Check(t, err)
	b, err := spry.NewRaw(spry.ProtocolPush, nil)
	testkit.Check(t, err)
	for _, other := range []*spry.Raw{b, nil} {
		if err := spry.Proxy(context.Background(), a, other, nil); !errors.Is(err, spry.ErrConfig) {
			t.Errorf("Proxy: %v, want ErrConfig", err)
		}
	}
	testkit.Shut(t, a, b)
}

// Messages of several frames do not end a proxy whose other side has no place for them: they are counted, and what comes
// after them is passed on.
func TestProxyOfFrames(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	two := func() *spry.Message {
		m := spry.NewMessage(0)
		_, _ = m.Write([]byte("of"))
		m.AppendFrame([]byte("two frames"))
		return m
	}
	for _, kinds := range [][2]spry.Protocol{
		{spry.ProtocolPull, spry.ProtocolPush}, {spry.ProtocolSub, spry.ProtocolPub}, {spry.ProtocolRep, spry.ProtocolReq},
	} {
		front, err := spry.NewRaw(kinds[0], nil)
		testkit.Check(t, err)
		back, err := spry.NewRaw(kinds[1], nil)
		testkit.Check(t, err)
		over := make(chan error, 1)
		go func() { over <- spry.Proxy(ctx, front, back, nil) }()
		e, b := testkit.ListenOn(t, front, "tcp"), testkit.ListenOn(t, back, "tcp")
		var sockets []testkit.Socket
		switch kinds[0] {
		case spry.ProtocolPull:
			push, pull := spry.NewPush(nil), spry.NewPull(nil)
			sockets = append(sockets, push, pull)
			testkit.DialTo(t, pull, b)
			testkit.Check(t, back.WaitPipes(ctx, 1))
			_, err := push.Dial(ctx, "zmtp+"+e.URL())
			testkit.Check(t, err)
			testkit.Check(t, push.SendMsg(ctx, two()))
			carry(t, push, pull)
		case spry.ProtocolSub:
			pub, sub := spry.NewPub(nil), spry.NewSub(nil)
			sockets = append(sockets, pub, sub)
			testkit.Check(t, sub.Subscribe(""))
			testkit.DialTo(t, sub, b)
			testkit.Check(t, back.WaitPipes(ctx, 1))
			_, err := pub.Dial(ctx, "zmtp+"+e.URL())
			testkit.Check(t, err)
			testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
			testkit.Check(t, pub.SendMsg(ctx, two()))
			carry(t, pub, sub)
		default: // once there, and once back
			req, rep := spry.NewReq(nil), spry.NewRep(nil)
			sockets = append(sockets, req, rep)
			testkit.DialTo(t, rep, b)
			testkit.Check(t, back.WaitPipes(ctx, 1))
			_, err := req.Dial(ctx, "zmtp+"+e.URL())
			testkit.Check(t, err)
			lost, err := req.Start(two())
			testkit.Check(t, err)
			answered := make(chan error, 1)
			go func() {
				r, err := rep.Recv(ctx)
				if err == nil {
					err = r.Reply(ctx, r.Bytes())
				}
				answered <- err
			}()
			reply, err := req.Do(ctx, []byte("of one"))
			testkit.Check(t, err)
			testkit.Check(t, <-answered)
			if string(reply) != "of one" {
				t.Errorf("the reply is %q", reply)
			}
			lost.Cancel()
		}
		if n := front.Stats().Recv.Dropped["multipart"]; n != 1 {
			t.Errorf("%v to %v: %d messages are counted as multipart", kinds[0], kinds[1], n)
		}
		testkit.Shut(t, append(sockets, front, back)...)
		<-over
	}
}

// A proxy whose one side has nobody to send to ends when the other side is closed.
func TestProxyEndsWhileItWaitsForRoom(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	front, err := spry.NewRaw(spry.ProtocolPull, nil)
	testkit.Check(t, err)
	back, err := spry.NewRaw(spry.ProtocolPush, nil)
	testkit.Check(t, err)
	push := spry.NewPush(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, front, "inproc"))
	ended := make(chan error, 1)
	go func() { ended <- spry.Proxy(ctx, front, back, nil) }()
	testkit.Check(t, push.Send(ctx, []byte("for nobody")))
	testkit.Eventually(t, "the proxy has the message", func() bool { return front.Stats().Recv.Delivered == 1 })
	testkit.Check(t, front.Close())
	if err := <-ended; !errors.Is(err, spry.ErrClosed) {
		t.Errorf("the proxy ended with %v", err)
	}
	for _, s := range []testkit.Socket{push, back} {
		testkit.Check(t, s.Close())
	}
}

func TestTapMayClose(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	from, err := spry.NewRaw(spry.ProtocolPull, &o)
	testkit.Check(t, err)
	to, err := spry.NewRaw(spry.ProtocolPush, &o)
	testkit.Check(t, err)
	testkit.ListenAt(t, from, "inproc://in")
	push := spry.NewPush(&spry.PushOptions{Options: o})
	_, err = push.Dial(ctx, "inproc://in")
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte("x")))
	err = spry.Proxy(ctx, from, to, &spry.ProxyOptions{Tap: func(from *spry.Raw, _ *spry.Message) { _ = from.Close() }})
	if !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Proxy: %v, want ErrClosed", err)
	}
	testkit.Check(t, to.Close())
	testkit.Check(t, push.Close())
}
