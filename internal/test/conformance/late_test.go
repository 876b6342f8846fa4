// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A call that comes to its deadline says what it waited for.

// soon is long enough for a connection within the host to be refused, and short for a call that ends by it.
const soon = 300 * time.Millisecond

// checkLate checks the error of a call that came to its deadline.
func checkLate(t *testing.T, err error, texts ...string) {
	t.Helper()
	var op *spry.OpError
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &op) || !op.Timeout() || errors.Is(err, net.ErrClosed) {
		t.Errorf("not the error of a deadline: %v", err)
		return
	}
	t.Log(err)
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}

// late returns a context with a deadline soon.
func late(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	return ctx
}

// refusing is an address that refuses connections.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestLateWithoutEndpoint(t *testing.T) {
	leak.Check(t)
	push, pull, sub := spry.NewPush(nil), spry.NewPull(nil), zmq.NewSub(nil)
	req := spry.NewReq(nil)
	testkit.CloseAll(t, push, pull, req, sub)
	_, recv := pull.Recv(late(t))
	_, asked := req.Do(late(t), []byte("x"))
	_, subscribed := sub.Recv(late(t))
	for _, err := range []error{push.Send(late(t), []byte("x")), recv, asked, subscribed, push.WaitPipes(late(t), 1)} {
		checkLate(t, err, "context deadline exceeded: no peer is connected, and the socket has no endpoint: call Dial or Listen first")
		if !errors.Is(err, spry.ErrNoPeer) {
			t.Errorf("%v is not ErrNoPeer", err)
		}
	}
}

func TestLateWithRefusedDialer(t *testing.T) {
	leak.Check(t)
	address := refusing(t)
	push, req := spry.NewPush(nil), spry.NewReq(nil)
	testkit.CloseAll(t, push, req)
	e, err := push.Connect("tcp://" + address)
	testkit.Check(t, err)
	_, err = req.Connect("tcp://" + address)
	testkit.Check(t, err)
	testkit.Eventually(t, "the connections are refused", func() bool { return e.Err() != nil })
	_, asked := req.Do(late(t), []byte("x"))
	for _, err := range []error{push.Send(late(t), []byte("x")), asked, push.WaitPipes(late(t), 1), e.Wait(late(t))} {
		checkLate(t, err, ": context deadline exceeded: no peer is connected: dial tcp://"+address+": ", "refused")
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, spry.ErrNoPeer) {
			t.Errorf("%v does not wrap its cause", err)
		}
		if n := strings.Count(err.Error(), address); n != 1 {
			t.Errorf("%q has the address %d times", err, n)
		}
	}
}

// A peer of the wrong kind is named once, with the kind that it is of.
func TestLateWithWrongPeer(t *testing.T) {
	leak.Check(t)
	pub, req := spry.NewPub(nil), spry.NewReq(nil)
	testkit.CloseAll(t, pub, req)
	at := testkit.ListenOn(t, pub, "tcp")
	e, err := req.Connect(at.URL())
	testkit.Check(t, err)
	testkit.Eventually(t, "the handshake fails", func() bool { return e.Err() != nil })
	_, err = req.Do(late(t), []byte("x"))
	checkLate(t, err, "no peer is connected: handshake "+at.URL()+": ", "peer is a pub socket")
	if n := strings.Count(err.Error(), at.Addr().String()); n != 1 || !errors.Is(err, spry.ErrProtocol) {
		t.Errorf("%q has the address %d times", err, n)
	}
}

func TestLateWithListener(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(nil)
	testkit.CloseAll(t, pull)
	at := testkit.ListenOn(t, pull, "tcp")
	_, err := pull.Recv(late(t))
	checkLate(t, err, "no peer is connected: nobody has connected to "+at.URL())
	push := spry.NewPush(nil)
	testkit.DialTo(t, push, at)
	testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1))
	checkLate(t, pull.WaitPipes(late(t), 3), "1 of 3 peers are connected")
	_, err = pull.Recv(late(t))
	checkLate(t, err, "context deadline exceeded: no message arrived from 127.0.0.1:")
	testkit.Check(t, push.Close())
	testkit.Eventually(t, "the peer has gone", func() bool { return len(pull.Stats().Pipes) == 0 })
	_, err = pull.Recv(late(t))
	checkLate(t, err, "no peer is connected: the peers of "+at.URL()+" have gone")
}

func TestLateWithManyEndpoints(t *testing.T) {
	leak.Check(t)
	push := spry.NewPush(nil)
	testkit.CloseAll(t, push)
	for range 5 {
		e, err := push.Connect("tcp://" + refusing(t))
		testkit.Check(t, err)
		testkit.Eventually(t, "the connection is refused", func() bool { return e.Err() != nil })
	}
	err := push.Send(late(t), []byte("x"))
	checkLate(t, err, "; and 2 more endpoints")
	if n := strings.Count(err.Error(), "dial tcp://"); n != 3 {
		t.Errorf("%q names %d endpoints", err, n)
	}
}

func TestLateRequestNamesWhoHasIt(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		testkit.Check(t, req.WaitPipes(ctx, 1))
		_, err := req.Do(late(t), []byte("x"))
		checkLate(t, err, "context deadline exceeded: ", " has the request and has not answered")
		c, err := req.Start(spry.WrapMessage([]byte("x"), nil))
		testkit.Check(t, err)
		_, err = c.Wait(late(t))
		checkLate(t, err, " has the request and has not answered")
		testkit.Shut(t, req, rep)
	})
}

func TestLateSendNamesFullQueues(t *testing.T) {
	leak.Check(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 1, Linger: -1}})
	testkit.CloseAll(t, push)
	near, far := net.Pipe() // which nobody reads after the handshake
	testkit.AttachBare(t, push, near, far, &spry.AttachConfig{Listening: true}, func(b *testkit.Bare) { b.Shake(t, spry.ProtocolPull) })
	var err error
	for err == nil {
		err = push.Send(late(t), make([]byte, 1000))
	}
	checkLate(t, err, "the send queue of ", " is full")
}

func TestLateSubscriberWithoutTopics(t *testing.T) {
	leak.Check(t)
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	testkit.CloseAll(t, pub, sub)
	testkit.DialTo(t, sub, testkit.ListenOn(t, pub, "tcp"))
	_, err := sub.Recv(late(t))
	checkLate(t, err, "no topic is subscribed to: call Subscribe first")
	testkit.Check(t, sub.Subscribe("a"))
	_, err = sub.Recv(late(t))
	checkLate(t, err, "no message arrived from "+testkit.Host+":")
}

// What a cancelled call says is only that.
func TestCancelledCallSaysNoMore(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(nil)
	testkit.CloseAll(t, pull)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := pull.Recv(ctx); err == nil || err.Error() != "spry: recv: context canceled" {
		t.Error(err)
	}
}
