// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// overBothSides joins a socket of package spry with one of this package, in process and over the wire, whoever listens.
func overBothSides(t *testing.T, f func(t *testing.T, join func(theirs, ours socket))) {
	for _, scheme := range []string{"inproc", "tcp"} {
		for _, listens := range []string{"spry", "zmq"} {
			t.Run(scheme+"/"+listens+" listens", func(t *testing.T) {
				leak.Check(t)
				f(t, func(theirs, ours socket) {
					t.Helper()
					dials, listener := theirs, ours
					if listens == "spry" {
						dials, listener = ours, theirs
					}
					url := testkit.ListenOn(t, listener, scheme).URL()
					if listens == "zmq" && scheme == "tcp" {
						url = "zmtp+" + url
					}
					_, err := dials.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: url})
					testkit.Check(t, err)
					testkit.Check(t, listener.WaitPipes(testkit.Watchdog(t), 1))
				})
			})
		}
	}
}

// hand sends messages from one to the other, those of several frames too.
func hand(t *testing.T, from interface {
	SendMsg(context.Context, *spry.Message) error
}, to interface {
	RecvMsg(context.Context) (*spry.Message, error)
},
) {
	t.Helper()
	for _, frames := range [][]string{{"one"}, {""}, {"a", "", "b"}, {"", ""}, {strings.Repeat("x", 50_000), "y"}} {
		testkit.Check(t, from.SendMsg(testkit.Watchdog(t), message(frames...)))
		m, err := to.RecvMsg(testkit.Watchdog(t))
		testkit.Check(t, err)
		is(t, framesOf(m), frames...)
	}
}

func TestSpryAndZMQ(t *testing.T) {
	t.Run("push to pull", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			push, pull := spry.NewPush(nil), zmq.NewPull(nil)
			join(push, pull)
			hand(t, push, pull)
			testkit.Shut(t, push, pull)
		})
	})
	t.Run("pull from push", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			push, pull := zmq.NewPush(nil), spry.NewPull(nil)
			join(pull, push)
			hand(t, push, pull)
			testkit.Shut(t, push, pull)
		})
	})
	t.Run("pair and pair", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			a, b := spry.NewPair(nil), zmq.NewPair(nil)
			join(a, b)
			hand(t, a, b)
			hand(t, b, a)
			testkit.Shut(t, a, b)
		})
	})
	t.Run("pub to sub and xsub", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			sub, xsub := zmq.NewSub(nil), zmq.NewXSub(nil)
			testkit.Check(t, sub.Subscribe(""))
			testkit.Check(t, xsub.Subscribe(""))
			for _, s := range []receiver{sub, xsub} {
				pub := spry.NewPub(nil)
				join(pub, s)
				testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), "x", 1))
				hand(t, pub, s)
				testkit.Shut(t, pub, s)
			}
		})
	})
	t.Run("sub of pub and xpub", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			for _, pub := range []interface {
				sender
				WaitSubscribers(context.Context, string, int) error
			}{zmq.NewPub(nil), zmq.NewXPub(nil)} {
				sub := spry.NewSub(nil)
				testkit.Check(t, sub.Subscribe(""))
				own := sub.Open("top")
				join(sub, pub)
				testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), "top", 1))
				hand(t, pub, sub)
				testkit.Check(t, pub.SendMsg(testkit.Watchdog(t), message("topic", "body")))
				for _, s := range []interface {
					RecvMsg(context.Context) (*spry.Message, error)
				}{sub, own} {
					m, err := s.RecvMsg(testkit.Watchdog(t))
					testkit.Check(t, err)
					is(t, framesOf(m), "topic", "body")
				}
				testkit.Shut(t, pub, sub)
			}
		})
	})
	t.Run("req to rep", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			req, rep := spry.NewReq(nil), zmq.NewRep(nil)
			join(req, rep)
			served := echo(t, rep)
			asks(t, req)
			testkit.Shut(t, req, rep)
			testkit.Check(t, <-served)
		})
	})
	t.Run("rep to req", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			req, rep := zmq.NewReq(nil), spry.NewRep(nil)
			join(rep, req)
			served := echo(t, &zmq.Rep{Rep: *rep})
			asks(t, &req.Req)
			testkit.Shut(t, req, rep)
			testkit.Check(t, <-served)
		})
	})
	t.Run("rep to dealer", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			dealer, rep := zmq.NewDealer(nil), spry.NewRep(nil)
			join(rep, dealer)
			served := echo(t, &zmq.Rep{Rep: *rep})
			for _, frames := range [][]string{{"", "body"}, {"id", "", "a", "", "b"}} {
				testkit.Check(t, dealer.SendMsg(testkit.Watchdog(t), message(frames...)))
				expect(t, dealer, frames...)
			}
			testkit.Shut(t, dealer, rep)
			testkit.Check(t, <-served)
		})
	})
	t.Run("req to router", func(t *testing.T) {
		overBothSides(t, func(t *testing.T, join func(theirs, ours socket)) {
			req, router := spry.NewReq(nil), zmq.NewRouter(nil)
			join(req, router)
			c, err := req.Start(message("q", "r"))
			testkit.Check(t, err)
			got, err := router.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
			is(t, got[3:], "q", "r")
			testkit.Check(t, router.Send(testkit.Watchdog(t), got...))
			m, err := c.Wait(testkit.Watchdog(t))
			testkit.Check(t, err)
			is(t, framesOf(m), "q", "r")
			testkit.Shut(t, req, router)
		})
	})
}

func asks(t *testing.T, req *spry.Req) {
	t.Helper()
	for _, frames := range [][]string{{"one"}, {""}, {"a", "", "b"}} {
		m, err := req.DoMsg(testkit.Watchdog(t), message(frames...))
		testkit.Check(t, err)
		is(t, framesOf(m), frames...)
	}
}

// kinds are all socket types, and the peers that each may have by ZeroMQ's specifications.
var kinds = map[string]struct {
	open  func() socket
	peers string
}{
	"PUSH":    {func() socket { return zmq.NewPush(nil) }, "PULL"},
	"PULL":    {func() socket { return zmq.NewPull(nil) }, "PUSH"},
	"PUB":     {func() socket { return zmq.NewPub(nil) }, "SUB XSUB"},
	"SUB":     {func() socket { return zmq.NewSub(nil) }, "PUB XPUB"},
	"XPUB":    {func() socket { return zmq.NewXPub(nil) }, "SUB XSUB"},
	"XSUB":    {func() socket { return zmq.NewXSub(nil) }, "PUB XPUB"},
	"REQ":     {func() socket { return zmq.NewReq(nil) }, "REP ROUTER"},
	"REP":     {func() socket { return zmq.NewRep(nil) }, "REQ DEALER"},
	"DEALER":  {func() socket { return zmq.NewDealer(nil) }, "REP DEALER ROUTER"},
	"ROUTER":  {func() socket { return zmq.NewRouter(nil) }, "REQ DEALER ROUTER"},
	"PAIR":    {func() socket { return zmq.NewPair(nil) }, "PAIR"},
	"CLIENT":  {func() socket { return zmq.NewClient(nil) }, "SERVER"},
	"SERVER":  {func() socket { return zmq.NewServer(nil) }, "CLIENT"},
	"RADIO":   {func() socket { return zmq.NewRadio(nil) }, "DISH"},
	"DISH":    {func() socket { return zmq.NewDish(nil) }, "RADIO"},
	"SCATTER": {func() socket { return zmq.NewScatter(nil) }, "GATHER"},
	"GATHER":  {func() socket { return zmq.NewGather(nil) }, "SCATTER"},
	"PEER":    {func() socket { return zmq.NewPeer(nil) }, "PEER"},
	"CHANNEL": {func() socket { return zmq.NewChannel(nil) }, "CHANNEL"},
}

// Of all kinds, those that fit are connected, and those that do not are told so, and told of each other.
func TestKindsThatFit(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		for listens, l := range kinds {
			for dials, d := range kinds {
				a, b := d.open(), l.open()
				e := testkit.ListenOn(t, b, scheme)
				fits := false
				for peer := range strings.FieldsSeq(d.peers) {
					fits = fits || peer == listens
				}
				_, err := a.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: e.URL()})
				switch {
				case fits && err != nil:
					t.Errorf("a %s that dials a %s: %v", dials, listens, err)
				case !fits:
					testkit.Wants(t, err, spry.ErrProtocol, listens, dials)
					var why *spry.OpError
					if !errors.As(err, &why) || why.Reason != "role_mismatch" {
						t.Errorf("the reason is %v", err)
					}
					testkit.Eventually(t, "the listener refuses", func() bool { return b.Stats().Rejected["role_mismatch"] == 1 })
				}
				testkit.Shut(t, a, b)
			}
		}
	})
}

// Sockets of package spry without a counterpart in ZeroMQ, or with another one, are refused by name.
func TestSpryKindsThatDoNotFit(t *testing.T) {
	leak.Check(t)
	for name, open := range map[string]func() socket{
		"bus": func() socket { return spry.NewBus(nil) }, "surveyor": func() socket { return spry.NewSurveyor(nil) },
		"PUSH": func() socket { return spry.NewPush(nil) }, "SUB": func() socket { return spry.NewSub(nil) },
	} {
		theirs, ours := open(), zmq.NewRouter(nil)
		_, err := ours.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: testkit.ListenOn(t, theirs, "inproc").URL()})
		testkit.Wants(t, err, spry.ErrProtocol, name)
		testkit.Shut(t, theirs, ours)
	}
	older, ours := spry.NewPush(&spry.PushOptions{Options: spry.Options{Dialects: []string{"sp"}}}), zmq.NewPull(nil)
	_, err := older.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: testkit.ListenOn(t, ours, "inproc").URL()})
	if err == nil || !strings.Contains(err.Error(), "dialect") {
		t.Errorf("a socket that does not speak ZeroMQ: %v", err)
	}
	_, err = older.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: testkit.ListenOn(t, ours, "tcp").URL()})
	if err == nil {
		t.Error("a peer of the Scalability Protocols was taken")
	}
	testkit.Shut(t, older, ours)
}

// Messages of several frames go to peers that take such; for others they are refused, and stay as they were.
func TestFramesAndPeersThatTakeNone(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, ours, theirs := spry.NewPush(nil), zmq.NewPull(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, theirs, "tcp"))
	m := message("a", "b")
	testkit.Wants(t, push.SendMsg(ctx, m), spry.ErrMultipart)
	testkit.Wants(t, push.TrySendMsg(m), spry.ErrMultipart)
	is(t, framesOf(m), "a", "b")
	_, err := push.DialWith(ctx, &spry.DialConfig{URL: "zmtp+" + testkit.ListenOn(t, ours, "tcp").URL()})
	testkit.Check(t, err)
	for range 10 {
		testkit.Check(t, push.SendMsg(ctx, message("a", "b")))
		expect(t, ours, "a", "b")
	}
	testkit.Shut(t, push, ours, theirs)

	pub, sub, plain := spry.NewPub(nil), zmq.NewSub(nil), spry.NewSub(nil)
	testkit.Check(t, sub.Subscribe("a"))
	testkit.Check(t, plain.Subscribe("a"))
	e := testkit.ListenOn(t, pub, "tcp")
	testkit.DialTo(t, sub, e)
	testkit.Check(t, pub.WaitSubscribers(ctx, "a", 1))
	testkit.Check(t, pub.SendMsg(ctx, message("a", "b")))
	expect(t, sub, "a", "b")
	testkit.DialTo(t, plain, e)
	testkit.Check(t, pub.WaitSubscribers(ctx, "a", 2))
	m = message("a", "b")
	testkit.Wants(t, pub.SendMsg(ctx, m), spry.ErrMultipart)
	is(t, framesOf(m), "a", "b")
	testkit.Check(t, pub.SendMsg(ctx, message("ab")))
	expect(t, sub, "ab")
	expect(t, plain, "ab")
	testkit.Shut(t, pub, sub, plain)
}
