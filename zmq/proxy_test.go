// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// Requests go through a Router and a Dealer to several Reps, and their replies back; a reply to somebody who is gone is
// counted, twice over.
func TestProxyOfRequests(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	router, dealer, capture, tap := zmq.NewRouter(nil), zmq.NewDealer(nil), zmq.NewPush(nil), zmq.NewPull(nil)
	front, err := router.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	back, err := dealer.Listen(ctx, "inproc://proxy-back")
	testkit.Check(t, err)
	e, err := capture.Listen(ctx, "inproc://proxy-tap")
	testkit.Check(t, err)
	_, err = tap.Dial(ctx, e.URL())
	testkit.Check(t, err)
	reps := []*zmq.Rep{zmq.NewRep(nil), zmq.NewRep(nil)}
	worked := make(chan error, len(reps))
	for i, rep := range reps {
		_, err := rep.Dial(ctx, back.URL())
		testkit.Check(t, err)
		go func() {
			worked <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
				_ = r.ReplyMsg(ctx, zmq.NewMessage([]byte{byte('0' + i)}, r.Bytes()))
			}))
		}()
	}
	var control zmq.ProxyControl
	over := make(chan error, 1)
	go func() {
		over <- zmq.Proxy(ctx, router, dealer, &zmq.ProxyOptions{Control: &control, Capture: capture})
	}()
	req := zmq.NewReq(nil)
	_, err = req.Dial(ctx, front.URL())
	testkit.Check(t, err)
	by := map[string]int{}
	for i := range 100 {
		body := fmt.Sprint("request ", i)
		frames, err := req.Do(ctx, []byte(body))
		testkit.Check(t, err)
		if len(frames) != 2 || string(frames[1]) != body {
			t.Fatalf("reply to %q: %q", body, frames)
		}
		by[string(frames[0])]++
	}
	if by["0"] != 50 || by["1"] != 50 {
		t.Errorf("answered by %v", by)
	}
	for range 200 {
		m, err := tap.RecvMsg(ctx)
		testkit.Check(t, err)
		m.Release()
	}
	worker := zmq.NewDealer(nil) // which answers somebody who never was
	_, err = worker.Dial(ctx, back.URL())
	testkit.Check(t, err)
	testkit.Check(t, worker.Send(ctx, []byte("nobody"), nil, []byte("?")))
	testkit.Eventually(t, "what is for nobody is dropped", func() bool { return control.Stats().BToA.Dropped > 0 })
	st := control.Stats()
	if st.AToB.Messages != 100 || st.BToA.Messages != 100 || st.BToA.Dropped != 1 || st.AToB.Dropped != 0 {
		t.Errorf("figures: %+v", st)
	}
	if d := dealer.Stats().Recv.Dropped["no_peer"]; d != 1 {
		t.Errorf("the dealer counts %d", d)
	}
	testkit.Check(t, router.Close())
	if err := <-over; !errors.Is(err, spry.ErrClosed) {
		t.Errorf("the proxy ended with %v", err)
	}
	for _, s := range []interface{ Close() error }{req, dealer, worker, reps[0], reps[1], capture, tap} {
		testkit.Check(t, s.Close())
	}
	for range reps {
		testkit.Check(t, <-worked)
	}
}

// Subscriptions go up through an XPub and an XSub, messages down. A paused proxy passes nothing on.
func TestProxyOfSubscriptions(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pub, xsub, xpub, sub := zmq.NewXPub(nil), zmq.NewXSub(nil), zmq.NewXPub(nil), zmq.NewSub(nil)
	up, err := pub.Listen(ctx, "inproc://proxy-up")
	testkit.Check(t, err)
	_, err = xsub.Dial(ctx, up.URL())
	testkit.Check(t, err)
	down, err := xpub.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	_, err = sub.Dial(ctx, down.URL())
	testkit.Check(t, err)
	proxying, stop := context.WithCancel(ctx)
	var control zmq.ProxyControl
	over := make(chan error, 1)
	go func() { over <- zmq.Proxy(proxying, xsub, xpub, &zmq.ProxyOptions{Control: &control}) }()
	testkit.Check(t, sub.Subscribe("a"))
	for v, err := range pub.Subscriptions(ctx) { // else the end of it could overtake it, and then neither is told
		testkit.Check(t, err)
		if v != (zmq.SubscriptionChange{Topic: "a"}) {
			t.Errorf("a subscription to %+v", v)
		}
		break
	}
	testkit.Check(t, pub.Send(ctx, []byte("b"), []byte("not this")))
	testkit.Check(t, pub.Send(ctx, []byte("a"), []byte("this")))
	frames, err := sub.Recv(ctx)
	testkit.Check(t, err)
	if len(frames) != 2 || string(frames[1]) != "this" {
		t.Errorf("received %q", frames)
	}
	control.Pause()
	control.Pause()
	testkit.Check(t, pub.Send(ctx, []byte("a1"))) // which the proxy may have been waiting for already
	testkit.Check(t, pub.Send(ctx, []byte("a2")))
	testkit.Eventually(t, "a message waits for the proxy", func() bool { return xsub.Stats().Recv.Queued > 0 })
	if n := control.Stats().AToB.Messages; n > 2 {
		t.Errorf("%d messages were passed on by a proxy that is paused", n)
	}
	control.Resume()
	for _, want := range []string{"a1", "a2"} {
		frames, err := sub.Recv(ctx)
		testkit.Check(t, err)
		if string(frames[0]) != want {
			t.Errorf("received %q, want %q", frames, want)
		}
	}
	testkit.Check(t, sub.Unsubscribe("a"))
	for v, err := range pub.Subscriptions(ctx) {
		testkit.Check(t, err)
		if v.Cancelled {
			break
		}
	}
	stop()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("the proxy ended with %v", err)
	}
	if err := zmq.Proxy(ctx, sub, sub, nil); err == nil {
		t.Error("a proxy between sockets that nothing goes between")
	}
	for _, s := range []interface{ Close() error }{pub, xsub, xpub, sub} {
		testkit.Check(t, s.Close())
	}
}

// A proxy goes on when a message has frames and is for a socket whose messages have one.
func TestProxyOfWhatCannotBeCarried(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull, out, end := zmq.NewPush(nil), zmq.NewPull(nil), zmq.NewScatter(nil), zmq.NewGather(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	testkit.DialTo(t, out, testkit.ListenOn(t, end, "tcp"))
	over := make(chan error, 1)
	go func() { over <- zmq.Proxy(ctx, pull, out, nil) }()
	testkit.Check(t, push.Send(ctx, []byte("two"), []byte("frames")))
	testkit.Check(t, push.Send(ctx, []byte("good")))
	got, err := end.Recv(ctx)
	testkit.Check(t, err)
	if string(got) != "good" {
		t.Errorf("%q arrived", got)
	}
	if dropped := pull.Stats().Recv.Dropped; dropped[spry.ReasonMultipart] != 1 || testkit.Sum(dropped) != 1 {
		t.Errorf("dropped: %v", dropped)
	}
	testkit.Shut(t, push, pull, out, end)
	<-over
}

// No message of a peer ends a proxy: a group that no Radio has and the end of an unknown subscription are dropped and counted.
func TestProxyOutlivesBadMessages(t *testing.T) {
	for name, row := range map[string]struct {
		out    zmq.ProxySocket
		bad    []byte
		reason spry.Reason
	}{
		"radio": {zmq.NewRadio(nil), []byte("a\x00b"), spry.ReasonEnvelope},
		"xsub":  {zmq.NewXSub(nil), []byte("\x00never"), spry.ReasonUnwanted},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			push, pull := zmq.NewPush(nil), zmq.NewPull(nil)
			testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
			over := make(chan error, 1)
			go func() { over <- zmq.Proxy(ctx, pull, row.out, nil) }()
			for range 2 {
				testkit.Check(t, push.Send(ctx, row.bad))
			}
			testkit.Eventually(t, "both are dropped", func() bool { return pull.Stats().Recv.Dropped[row.reason] == 2 })
			testkit.Shut(t, push, pull, row.out.(testkit.Socket))
			<-over
		})
	}
}

func TestProxyRefusesInvalidOptions(t *testing.T) {
	pull, push := zmq.NewPull(nil), zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{TTL: 256}})
	testkit.CloseAll(t, pull, push)
	testkit.Wants(t, zmq.Proxy(testkit.Watchdog(t), pull, push, nil), spry.ErrConfig, "TTL")
}
