// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A Server answers each of its clients by the pipe that the question came from.
func TestServerAndClients(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		server := zmq.NewServer(nil)
		e := testkit.ListenOn(t, server, scheme)
		var clients []*zmq.Client
		for i := range 3 {
			c := zmq.NewClient(nil)
			testkit.DialTo(t, c, e)
			testkit.Check(t, c.Send(ctx, []byte(fmt.Sprint(i))))
			clients = append(clients, c)
		}
		for range clients {
			m, err := server.RecvMsg(ctx)
			testkit.Check(t, err)
			testkit.Check(t, server.SendTo(ctx, m.Pipe(), append([]byte("to "), m.Bytes()...)))
			testkit.Check(t, server.SendMsgTo(ctx, m.Pipe(), message("and that")))
		}
		for i, c := range clients {
			got, err := c.Recv(ctx)
			testkit.Check(t, err)
			if string(got) != fmt.Sprint("to ", i) {
				t.Errorf("client %d got %q", i, got)
			}
			expect(t, c, "and that")
			quiet(t, c)
		}
		testkit.Shut(t, clients[0], clients[1], clients[2], server)
	})
}

func TestPeersTalk(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		a, b, c := zmq.NewPeer(nil), zmq.NewPeer(nil), zmq.NewPeer(nil)
		e := testkit.ListenOn(t, a, scheme)
		for _, p := range []*zmq.Peer{b, c} {
			d := testkit.DialTo(t, p, e)
			for to := range d.Pipes() {
				testkit.Check(t, p.SendTo(ctx, to, []byte("hello")))
			}
		}
		for range 2 {
			m, err := a.RecvMsg(ctx)
			testkit.Check(t, err)
			testkit.Check(t, a.SendTo(ctx, m.Pipe(), m.Bytes()))
		}
		expect(t, b, "hello")
		expect(t, c, "hello")
		testkit.Shut(t, a, b, c)
	})
}

// What is for nobody fails and stays as it was.
func TestServerWithoutPeer(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		server, client := zmq.NewServer(&zmq.Options{SendQueue: 1}), zmq.NewClient(&zmq.Options{RecvQueue: 1})
		join(t, scheme, client, server)
		testkit.Check(t, client.Send(ctx, nil))
		m, err := server.RecvMsg(ctx)
		testkit.Check(t, err)
		from := m.Pipe()
		testkit.Wants(t, server.SendTo(ctx, nil, []byte("x")), spry.ErrNoPeer)
		for theirs := range client.Pipes() {
			testkit.Wants(t, server.SendTo(ctx, theirs, []byte("x")), spry.ErrNoPeer)
		}
		if scheme == "inproc" {
			testkit.Check(t, server.SendTo(ctx, from, nil))
			testkit.Check(t, server.SendTo(ctx, from, nil))
			gone, cancel := context.WithCancel(ctx)
			cancel()
			testkit.Wants(t, server.SendTo(gone, from, nil), context.Canceled)
		}
		testkit.Check(t, client.Close())
		<-from.Done()
		kept := message("kept")
		testkit.Wants(t, server.SendMsgTo(ctx, from, kept), spry.ErrPipeClosed)
		is(t, framesOf(kept), "kept")
		testkit.Shut(t, server, client)
	})
}

// Messages of several frames are refused by sockets that have none such, and stay as they were.
func TestOneFrameOnly(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, peer := zmq.NewServer(nil), zmq.NewPeer(nil)
	for name, s := range map[string]sender{"client": zmq.NewClient(nil), "scatter": zmq.NewScatter(nil), "channel": zmq.NewChannel(nil)} {
		t.Run(name, func(t *testing.T) {
			m := message("a", "b")
			testkit.Wants(t, s.SendMsg(ctx, m), zmq.ErrFrames, "2")
			testkit.Wants(t, s.TrySendMsg(m), zmq.ErrFrames)
			n, err := s.SendBatch(ctx, []*spry.Message{message("good"), m})
			testkit.Wants(t, err, zmq.ErrFrames)
			if n != 0 {
				t.Errorf("%d were sent", n)
			}
			is(t, framesOf(m), "a", "b")
			testkit.Shut(t, s)
		})
	}
	client, other := zmq.NewClient(nil), zmq.NewPeer(nil)
	join(t, "inproc", client, server)
	join(t, "inproc", other, peer)
	m := message("a", "")
	for p := range server.Pipes() {
		testkit.Wants(t, server.SendMsgTo(ctx, p, m), zmq.ErrFrames)
	}
	for p := range peer.Pipes() {
		testkit.Wants(t, peer.SendMsgTo(ctx, p, m), zmq.ErrFrames)
	}
	is(t, framesOf(m), "a", "")
	testkit.Shut(t, client, other, server, peer)
}

// Messages of several frames that a peer sends where there must be one are dropped and counted.
func TestFramesWhereThereMustBeOne(t *testing.T) {
	for kind, s := range map[string]receiver{
		"CLIENT": zmq.NewServer(nil), "SERVER": zmq.NewClient(nil), "SCATTER": zmq.NewGather(nil), "PEER": zmq.NewPeer(nil), "CHANNEL": zmq.NewChannel(nil),
	} {
		t.Run(kind, func(t *testing.T) {
			leak.Check(t)
			e := testkit.ListenOn(t, s, "tcp")
			c := rawPeer(t, e, testkit.OpenAs(kind)+"\x01\x01a\x00\x01b"+"\x00\x04good")
			expect(t, s, "good")
			if d := s.Stats().Recv.Dropped; testkit.Sum(d) != 1 {
				t.Errorf("dropped are %v", d)
			}
			_ = c.Close()
			testkit.Eventually(t, "it is gone", func() bool { return s.Stats().Endpoints[0].Pipes == 0 })
			testkit.Shut(t, s)
		})
	}
}
