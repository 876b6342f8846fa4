// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
)

// A proxied pattern is two sockets that talk through raw ones.
type proxied struct {
	front, back spry.Protocol
	// talk makes the sockets, hands them to be joined to the proxy's front and back, and checks that they talk.
	talk func(t *testing.T, o spry.Options, join func(atFront, atBack anySocket))
}

func proxiedPatterns() map[string]proxied {
	return map[string]proxied{
		"pipeline": {spry.ProtocolPull, spry.ProtocolPush, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
			join(push, pull)
			carry(t, push, pull)
			shut(t, push, pull)
		}},
		"pubsub": {spry.ProtocolSub, spry.ProtocolPub, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
			check(t, sub.Subscribe(""))
			join(pub, sub)
			carry(t, pub, sub)
			shut(t, pub, sub)
		}},
		"pair": {spry.ProtocolPair1, spry.ProtocolPair1, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
			join(a, b)
			carry(t, a, b)
			carry(t, b, a)
			shut(t, a, b)
		}},
		"bus": {spry.ProtocolBus, spry.ProtocolBus, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			a, b := spry.NewBus(&spry.BusOptions{Options: o}), spry.NewBus(&spry.BusOptions{Options: o})
			join(a, b)
			carry(t, a, b)
			carry(t, b, a)
			shut(t, a, b)
		}},
		"reqrep": {spry.ProtocolRep, spry.ProtocolReq, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
			join(req, rep)
			served := make(chan error, 1)
			go func() { served <- rep.Handle(context.Background(), 2, echo(t)) }()
			for _, b := range bodies() {
				got, err := req.Do(watchdog(t), b)
				check(t, err)
				if string(got) != string(b) {
					t.Errorf("%d bytes came back as %d", len(b), len(got))
				}
			}
			shut(t, req, rep)
			check(t, <-served)
		}},
		"survey": {spry.ProtocolRespondent, spry.ProtocolSurveyor, func(t *testing.T, o spry.Options, join func(a, b anySocket)) {
			surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: patience})
			respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
			join(surveyor, respondent)
			served := make(chan error, 1)
			go func() { served <- respondent.Handle(context.Background(), 2, echo(t)) }()
			for m, err := range surveyor.Survey(watchdog(t), []byte("who?")) {
				check(t, err)
				if string(m.Bytes()) != "who?" {
					t.Errorf("answer %q", m.Bytes())
				}
				break
			}
			shut(t, surveyor, respondent)
			check(t, <-served)
		}},
	}
}

func echo(t *testing.T) spry.Handler {
	return spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { check(t, r.Reply(ctx, r.Bytes())) })
}

// Every pattern works through a proxy as without one.
func TestProxyConforms(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		for name, p := range proxiedPatterns() {
			t.Run(name, func(t *testing.T) {
				front, err := spry.NewRaw(p.front, &w.options)
				check(t, err)
				back, err := spry.NewRaw(p.back, &w.options)
				check(t, err)
				atFront, atBack := w.listen(t, front), w.listen(t, back)
				ended := make(chan error, 1)
				go func() { ended <- spry.Proxy(context.Background(), front, back, nil) }()
				p.talk(t, w.options, func(a, b anySocket) {
					dialTo(t, a, atFront)
					dialTo(t, b, atBack)
					check(t, front.WaitPipes(watchdog(t), 1))
					check(t, back.WaitPipes(watchdog(t), 1))
				})
				shut(t, front, back)
				if err := <-ended; !errors.Is(err, spry.ErrClosed) {
					t.Errorf("Proxy ended with %v, want ErrClosed", err)
				}
			})
		}
	})
}

func TestProxyRefusesWhatDoesNotFit(t *testing.T) {
	a, err := spry.NewRaw(spry.ProtocolRep, nil)
	check(t, err)
	b, err := spry.NewRaw(spry.ProtocolPush, nil)
	check(t, err)
	for _, other := range []*spry.Raw{b, nil} {
		if err := spry.Proxy(context.Background(), a, other, nil); !errors.Is(err, spry.ErrConfig) {
			t.Errorf("Proxy: %v, want ErrConfig", err)
		}
	}
	shut(t, a, b)
}

// Messages of several frames do not end a proxy whose other side has no place for them: they are counted, and what comes
// after them is passed on.
func TestProxyOfFrames(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
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
		check(t, err)
		back, err := spry.NewRaw(kinds[1], nil)
		check(t, err)
		over := make(chan error, 1)
		go func() { over <- spry.Proxy(ctx, front, back, nil) }()
		e, b := listenOn(t, front, "tcp"), listenOn(t, back, "tcp")
		var sockets []anySocket
		switch kinds[0] {
		case spry.ProtocolPull:
			push, pull := spry.NewPush(nil), spry.NewPull(nil)
			sockets = append(sockets, push, pull)
			dialTo(t, pull, b)
			check(t, back.WaitPipes(ctx, 1))
			_, err := push.Dial(ctx, "zmtp+"+e.URL())
			check(t, err)
			check(t, push.SendMsg(ctx, two()))
			carry(t, push, pull)
		case spry.ProtocolSub:
			pub, sub := spry.NewPub(nil), spry.NewSub(nil)
			sockets = append(sockets, pub, sub)
			check(t, sub.Subscribe(""))
			dialTo(t, sub, b)
			check(t, back.WaitPipes(ctx, 1))
			_, err := pub.Dial(ctx, "zmtp+"+e.URL())
			check(t, err)
			check(t, pub.WaitSubscribers(ctx, "", 1))
			check(t, pub.SendMsg(ctx, two()))
			carry(t, pub, sub)
		default: // once there, and once back
			req, rep := spry.NewReq(nil), spry.NewRep(nil)
			sockets = append(sockets, req, rep)
			dialTo(t, rep, b)
			check(t, back.WaitPipes(ctx, 1))
			_, err := req.Dial(ctx, "zmtp+"+e.URL())
			check(t, err)
			lost, err := req.Start(two())
			check(t, err)
			answered := make(chan error, 1)
			go func() {
				r, err := rep.Recv(ctx)
				if err == nil {
					err = r.Reply(ctx, r.Bytes())
				}
				answered <- err
			}()
			reply, err := req.Do(ctx, []byte("of one"))
			check(t, err)
			check(t, <-answered)
			if string(reply) != "of one" {
				t.Errorf("the reply is %q", reply)
			}
			lost.Cancel()
		}
		if n := front.Stats().Recv.Dropped["multipart"]; n != 1 {
			t.Errorf("%v to %v: %d messages are counted as multipart", kinds[0], kinds[1], n)
		}
		shut(t, append(sockets, front, back)...)
		<-over
	}
}

// A proxy whose one side has nobody to send to ends when the other side is closed.
func TestProxyEndsWhileItWaitsForRoom(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	front, err := spry.NewRaw(spry.ProtocolPull, nil)
	check(t, err)
	back, err := spry.NewRaw(spry.ProtocolPush, nil)
	check(t, err)
	push := spry.NewPush(nil)
	dialTo(t, push, listenOn(t, front, "inproc"))
	ended := make(chan error, 1)
	go func() { ended <- spry.Proxy(ctx, front, back, nil) }()
	check(t, push.Send(ctx, []byte("for nobody")))
	eventually(t, "the proxy has the message", func() bool { return front.Stats().Recv.Delivered == 1 })
	check(t, front.Close())
	if err := <-ended; !errors.Is(err, spry.ErrClosed) {
		t.Errorf("the proxy ended with %v", err)
	}
	for _, s := range []anySocket{push, back} {
		check(t, s.Close())
	}
}
