// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

func named(identity string) *zmq.DealerOptions {
	return &zmq.DealerOptions{Options: zmq.Options{Identity: identity}}
}

// A Router gives each message its peer's identity, whatever verb receives it, and sends to the peer that is named.
func TestRouterNamesItsPeers(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		router := zmq.NewRouter(nil)
		e := testkit.ListenOn(t, router, scheme)
		own, longest, nameless := zmq.NewDealer(named("worker")), zmq.NewDealer(named(strings.Repeat("x", 255))), zmq.NewDealer(nil)
		for _, d := range []*zmq.Dealer{own, longest, nameless} {
			testkit.DialTo(t, d, e)
		}
		testkit.Check(t, router.WaitPipes(ctx, 3))

		testkit.Check(t, own.Send(ctx, raw("", "hello")...))
		expect(t, router, "worker", "", "hello")
		testkit.Check(t, longest.Send(ctx, []byte("hello")))
		expect(t, router, strings.Repeat("x", 255), "hello")
		testkit.Check(t, nameless.Send(ctx))
		got, err := router.Recv(ctx)
		testkit.Check(t, err)
		generated := string(got[0])
		if len(generated) != 5 || generated[0] != 0 || len(got) != 2 || len(got[1]) != 0 {
			t.Fatalf("a peer without a name sent %s", text(got))
		}
		for _, id := range []string{"worker", generated} {
			if p := router.Pipe(id); p == nil || zmq.Identity(p) != id {
				t.Errorf("the peer %q is %v", id, p)
			}
		}
		if router.Pipe("nobody") != nil {
			t.Error("nobody has a pipe")
		}

		testkit.Check(t, router.SendTo(ctx, generated, raw("to", "you")...))
		expect(t, nameless, "to", "you")
		testkit.Check(t, router.SendTo(ctx, "worker"))
		expect(t, own, "")
		testkit.Check(t, router.Send(ctx, raw("worker", "one")...))
		testkit.Check(t, router.SendMsg(ctx, message("worker", "", "two")))
		testkit.Check(t, router.TrySendMsg(message("worker", "three")))
		n, err := router.SendBatch(ctx, []*spry.Message{message("worker", "four"), message(generated, "five")})
		if n != 2 {
			t.Fatalf("sent %d of a batch: %v", n, err)
		}
		expect(t, own, "one")
		expect(t, own, "", "two")
		expect(t, own, "three")
		expect(t, own, "four")
		expect(t, nameless, "five")

		testkit.Check(t, own.Send(ctx, []byte("a")))
		testkit.Check(t, own.Send(ctx, []byte("b")))
		testkit.Check(t, own.Send(ctx, []byte("c")))
		is(t, framesOf(awaited(t, router.TryRecvMsg)), "worker", "a")
		for i := 0; i < 2; {
			dst := make([]*spry.Message, 2)
			n, err := router.RecvBatch(ctx, dst)
			testkit.Check(t, err)
			for _, m := range dst[:n] {
				is(t, framesOf(m), "worker", "bc"[i:i+1])
				i++
			}
		}
		testkit.Shut(t, own, longest, nameless, router)
	})
}

// awaited tries until there is a message.
func awaited(t testing.TB, try func() (*spry.Message, error)) (m *spry.Message) {
	t.Helper()
	testkit.Eventually(t, "there is a message", func() bool {
		var err error
		if m, err = try(); err != nil && !errors.Is(err, spry.ErrWouldBlock) {
			t.Fatal(err)
		}
		return err == nil
	})
	return m
}

// What is for nobody fails and stays as it was.
func TestRouterWithoutPeer(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		router, dealer := zmq.NewRouter(nil), zmq.NewDealer(named("here"))
		join(t, scheme, dealer, router)
		testkit.Wants(t, router.SendTo(ctx, "gone", []byte("x")), spry.ErrNoPeer, `"gone"`)
		testkit.Wants(t, router.Send(ctx, raw("gone", "x")...), spry.ErrNoPeer, `"gone"`)
		testkit.Wants(t, router.Send(ctx, []byte("here")), spry.ErrNoPeer, "frame")
		testkit.Wants(t, router.Send(ctx), spry.ErrNoPeer)
		m := message("gone", "", "x")
		testkit.Wants(t, router.SendMsg(ctx, m), spry.ErrNoPeer)
		testkit.Wants(t, router.TrySendMsg(m), spry.ErrNoPeer)
		is(t, framesOf(m), "gone", "", "x")
		batch := []*spry.Message{message("here", "1"), message("gone", "2"), message("here", "3")}
		n, err := router.SendBatch(ctx, batch)
		testkit.Wants(t, err, spry.ErrNoPeer)
		if n != 1 {
			t.Errorf("%d messages of the batch were sent, want 1", n)
		}
		is(t, framesOf(batch[1]), "gone", "2")
		expect(t, dealer, "1")
		testkit.Check(t, dealer.Close())
		testkit.Eventually(t, "the peer is gone", func() bool { return router.Pipe("here") == nil })
		testkit.Wants(t, router.SendTo(ctx, "here", []byte("x")), spry.ErrNoPeer)
		testkit.Shut(t, router, dealer)
	})
}

// A peer that does not receive holds up who sends to it, and nobody else. Its name is given up with its connection.
func TestRouterToAFullPeer(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	router := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueueBytes: 1, MaxMessageSize: -1, Linger: -1}, Mandatory: true})
	e := testkit.ListenOn(t, router, "tcp")
	other := zmq.NewDealer(named("busy"))
	testkit.DialTo(t, other, e)
	slow := rawPeer(t, e, dealerCalled("slow", "hello"))
	expect(t, router, "slow", "hello")

	large := make([]byte, 32<<20) // beyond what the operating system buffers
	testkit.Check(t, router.SendTo(ctx, "slow", large))
	m := message("slow", "", "refused")
	testkit.Wants(t, router.TrySendMsg(m), spry.ErrWouldBlock)
	is(t, framesOf(m), "slow", "", "refused")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	testkit.Wants(t, router.SendTo(gone, "slow", []byte("x")), context.Canceled)
	testkit.Check(t, router.SendTo(ctx, "busy", raw("x", "y")...))
	expect(t, other, "x", "y")

	waited := make(chan error)
	go func() { waited <- router.SendTo(ctx, "slow", large) }()
	_, err := io.CopyN(io.Discard, slow, int64(len(large))) // and what of the greeting was in front
	testkit.Check(t, err)
	testkit.Check(t, <-waited)

	go func() { waited <- router.SendTo(ctx, "slow", []byte("never")) }()
	testkit.Check(t, router.Pipe("slow").Close())
	if err := <-waited; !errors.Is(err, spry.ErrPipeClosed) && !errors.Is(err, spry.ErrNoPeer) {
		t.Errorf("sending to a peer that went: %v", err)
	}
	testkit.Eventually(t, "the peer is gone", func() bool { return router.Pipe("slow") == nil })
	testkit.Wants(t, router.SendTo(ctx, "slow", []byte("x")), spry.ErrNoPeer)
	testkit.Shut(t, router, other)
}

// Within the process, a queue has room for what the Router's and the peer's options say.
func TestRouterToAFullPeerInProcess(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	o := named("slow")
	o.RecvQueue = 3
	router, dealer := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueue: 2}, Mandatory: true}), zmq.NewDealer(o)
	join(t, "inproc", dealer, router)
	for i := range 5 {
		testkit.Check(t, router.TrySendMsg(message("slow", string(rune('0'+i)))))
	}
	m := message("slow", "more")
	testkit.Wants(t, router.TrySendMsg(m), spry.ErrWouldBlock)
	waited := make(chan error)
	go func() { waited <- router.SendMsg(ctx, m) }()
	for i := range 5 {
		expect(t, dealer, string(rune('0'+i)))
	}
	testkit.Check(t, <-waited)
	expect(t, dealer, "more")
	testkit.Shut(t, router, dealer)
}

// rawPeer connects to a listener without a socket, and says something.
func rawPeer(t *testing.T, e *spry.Endpoint, said string) net.Conn {
	t.Helper()
	b := testkit.BareTo(t, e)
	b.Say(t, []byte(said))
	return b
}

// Without Handover, the first peer of a name keeps it; the second is refused and counted.
func TestRouterRefusesASecondPeerOfTheSameName(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		router := zmq.NewRouter(nil)
		e := testkit.ListenOn(t, router, scheme)
		first, second := zmq.NewDealer(named("twin")), zmq.NewDealer(named("twin"))
		testkit.DialTo(t, first, e)
		testkit.Check(t, router.WaitPipes(ctx, 1))
		d := &spry.DialConfig{URL: e.URL(), Background: true, Backoff: &spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}}
		_, err := second.DialWith(ctx, d)
		testkit.Check(t, err)
		testkit.Eventually(t, "the second is refused", func() bool { return router.Stats().Rejected["identity"] > 0 })
		testkit.Check(t, first.Send(ctx, []byte("it is me")))
		expect(t, router, "twin", "it is me")
		testkit.Check(t, router.SendTo(ctx, "twin", []byte("good")))
		expect(t, first, "good")
		// When the first one has gone, the second one's next attempt gets the name.
		held := router.Pipe("twin")
		testkit.Check(t, first.Close())
		testkit.Eventually(t, "the second has the name", func() bool { p := router.Pipe("twin"); return p != nil && p != held }) // before, it may be refused with what it sent
		testkit.Check(t, second.Send(ctx, []byte("now me")))
		expect(t, router, "twin", "now me")
		testkit.Shut(t, second, router, first)
	})
}

func TestHandover(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		router := zmq.NewRouter(&zmq.RouterOptions{Handover: true})
		e := testkit.ListenOn(t, router, scheme)
		o := named("twin")
		o.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour} // else it would take its place back
		first, second := zmq.NewDealer(o), zmq.NewDealer(named("twin"))
		testkit.DialTo(t, first, e)
		testkit.Check(t, first.Send(ctx, []byte("before")))
		testkit.Check(t, router.WaitPipes(ctx, 1))
		old := router.Pipe("twin")
		expect(t, router, "twin", "before")
		dialer := &spry.DialConfig{URL: e.URL(), Background: true}
		made, err := second.DialWith(ctx, dialer)
		testkit.Check(t, err)
		<-old.Done()
		testkit.Check(t, made.Wait(ctx))
		testkit.Check(t, second.Send(ctx, []byte("heir")))
		expect(t, router, "twin", "heir")
		testkit.Check(t, router.SendTo(ctx, "twin", []byte("welcome")))
		expect(t, second, "welcome")
		if n := testkit.Sum(router.Stats().Rejected); n != 0 {
			t.Errorf("%d peers were refused", n)
		}
		testkit.Shut(t, first, second, router)
	})
}

// Two routers talk when each has a name for the other.
func TestRouterToRouter(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		a := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{Identity: "a"}})
		b := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{Identity: "b"}})
		join(t, scheme, a, b)
		testkit.Check(t, a.SendTo(ctx, "b", raw("hello", "b")...))
		expect(t, b, "a", "hello", "b")
		testkit.Check(t, b.Send(ctx, raw("a", "hello")...))
		expect(t, a, "b", "hello")
		testkit.Shut(t, a, b)
	})
}

// A peer that calls itself as a Router would call another that has no name does not get that one's place.
func TestGeneratedNamesAreRefused(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	router, dealer := zmq.NewRouter(&zmq.RouterOptions{Handover: true}), zmq.NewDealer(nil)
	e := testkit.ListenOn(t, router, "tcp")
	testkit.DialTo(t, dealer, e)
	testkit.Check(t, dealer.Send(ctx, []byte("me")))
	got, err := router.Recv(ctx)
	testkit.Check(t, err)
	generated := string(got[0])

	other := rawPeer(t, e, dealerCalled(generated, "me too"))
	got, err = router.Recv(ctx)
	testkit.Check(t, err)
	if string(got[0]) == generated || string(got[1]) != "me too" {
		t.Errorf("the second peer sent %s, and the first is called %q", text(got), generated)
	}
	testkit.Check(t, router.SendTo(ctx, generated, []byte("you")))
	expect(t, dealer, "you")
	testkit.Check(t, other.Close())
	testkit.Shut(t, dealer, router)
}

// dealerCalled is what a DEALER of some name says to connect and send a message, as bytes.
func dealerCalled(identity, body string) string {
	return testkit.OpenAs("DEALER", testkit.Property("Identity", identity)) + testkit.ShortFrame("\x00", body)
}

// What RecvFrom says is what SendTo takes, whichever verb; a full peer is an error of the Try verb.
func TestRouterAnswersByName(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		router, dealer := zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{SendQueue: 2}}), zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{RecvQueue: 2}})
		join(t, scheme, dealer, router)
		testkit.Check(t, dealer.Send(ctx, raw("a", "b")...))
		from, frames, err := router.RecvFrom(ctx)
		testkit.Check(t, err)
		is(t, frames, "a", "b")
		if from != zmq.Identity(router.Pipe(from)) {
			t.Errorf("the peer is called %q", from)
		}
		testkit.Check(t, router.SendTo(ctx, from, raw("one", "1")...))
		expect(t, dealer, "one", "1")
		testkit.Check(t, router.SendMsgTo(ctx, from, message("two", "2")))
		expect(t, dealer, "two", "2")
		testkit.Check(t, router.TrySendMsgTo(from, message("three", "3")))
		expect(t, dealer, "three", "3")
		var kept *spry.Message
		testkit.Eventually(t, "the peer has no room", func() bool { // nor makes any between the two
			kept = message("never")
			return errors.Is(router.TrySendMsgTo(from, zmq.NewMessage(make([]byte, 1<<20))), spry.ErrWouldBlock) &&
				errors.Is(router.TrySendMsgTo(from, kept), spry.ErrWouldBlock)
		})
		is(t, framesOf(kept), "never")
		testkit.Wants(t, router.TrySendMsgTo("nobody", kept), spry.ErrNoPeer)
		if d := router.Stats().Send.Dropped; testkit.Sum(d) != 0 {
			t.Errorf("dropped: %v", d)
		}
		testkit.Check(t, dealer.Close())
		_ = router.Close() // with messages that nobody reads
	})
}
