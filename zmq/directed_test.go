// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/zmq"
)

// A Server answers each of its clients by the pipe that the question came from.
func TestServerAndClients(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		server := zmq.NewServer(nil)
		e := listenOn(t, server, scheme)
		var clients []*zmq.Client
		for i := range 3 {
			c := zmq.NewClient(nil)
			dialTo(t, c, e)
			check(t, c.Send(ctx, []byte(fmt.Sprint(i))))
			clients = append(clients, c)
		}
		for range clients {
			m, err := server.RecvMsg(ctx)
			check(t, err)
			check(t, server.SendTo(ctx, m.Pipe(), append([]byte("to "), m.Bytes()...)))
			check(t, server.SendMsgTo(ctx, m.Pipe(), message("and that")))
		}
		for i, c := range clients {
			got, err := c.Recv(ctx)
			check(t, err)
			if string(got) != fmt.Sprint("to ", i) {
				t.Errorf("client %d got %q", i, got)
			}
			expect(t, c, "and that")
			quiet(t, c)
		}
		shut(t, clients[0], clients[1], clients[2], server)
	})
}

func TestPeersTalk(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		a, b, c := zmq.NewPeer(nil), zmq.NewPeer(nil), zmq.NewPeer(nil)
		e := listenOn(t, a, scheme)
		for _, p := range []*zmq.Peer{b, c} {
			d := dialTo(t, p, e)
			for to := range d.Pipes() {
				check(t, p.SendTo(ctx, to, []byte("hello")))
			}
		}
		for range 2 {
			m, err := a.RecvMsg(ctx)
			check(t, err)
			check(t, a.SendTo(ctx, m.Pipe(), m.Bytes()))
		}
		expect(t, b, "hello")
		expect(t, c, "hello")
		shut(t, a, b, c)
	})
}

// What is for nobody fails and stays as it was.
func TestServerToNobody(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		ctx := watchdog(t)
		server, client := zmq.NewServer(&zmq.Options{SendQueue: 1}), zmq.NewClient(&zmq.Options{RecvQueue: 1})
		join(t, scheme, client, server)
		check(t, client.Send(ctx, nil))
		m, err := server.RecvMsg(ctx)
		check(t, err)
		from := m.Pipe()
		wants(t, server.SendTo(ctx, nil, []byte("x")), spry.ErrNoPeer)
		for theirs := range client.Pipes() {
			wants(t, server.SendTo(ctx, theirs, []byte("x")), spry.ErrNoPeer)
		}
		if scheme == "inproc" {
			check(t, server.SendTo(ctx, from, nil))
			check(t, server.SendTo(ctx, from, nil))
			gone, cancel := context.WithCancel(ctx)
			cancel()
			wants(t, server.SendTo(gone, from, nil), context.Canceled)
		}
		check(t, client.Close())
		<-from.Done()
		kept := message("kept")
		wants(t, server.SendMsgTo(ctx, from, kept), spry.ErrPipeClosed)
		is(t, framesOf(kept), "kept")
		shut(t, server, client)
	})
}

// Messages of several frames are refused by sockets that have none such, and stay as they were.
func TestOneFrameOnly(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	server, peer := zmq.NewServer(nil), zmq.NewPeer(nil)
	for name, s := range map[string]sender{"client": zmq.NewClient(nil), "scatter": zmq.NewScatter(nil), "channel": zmq.NewChannel(nil)} {
		t.Run(name, func(t *testing.T) {
			m := message("a", "b")
			wants(t, s.SendMsg(ctx, m), zmq.ErrFrames, "2")
			wants(t, s.TrySendMsg(m), zmq.ErrFrames)
			n, err := s.SendBatch(ctx, []*spry.Message{message("good"), m})
			wants(t, err, zmq.ErrFrames)
			if n != 0 {
				t.Errorf("%d were sent", n)
			}
			is(t, framesOf(m), "a", "b")
			shut(t, s)
		})
	}
	client, other := zmq.NewClient(nil), zmq.NewPeer(nil)
	join(t, "inproc", client, server)
	join(t, "inproc", other, peer)
	m := message("a", "")
	for p := range server.Pipes() {
		wants(t, server.SendMsgTo(ctx, p, m), zmq.ErrFrames)
	}
	for p := range peer.Pipes() {
		wants(t, peer.SendMsgTo(ctx, p, m), zmq.ErrFrames)
	}
	is(t, framesOf(m), "a", "")
	shut(t, client, other, server, peer)
}

// Messages of several frames that a peer sends where there must be one are dropped and counted.
func TestFramesWhereThereMustBeOne(t *testing.T) {
	for kind, s := range map[string]receiver{
		"CLIENT": zmq.NewServer(nil), "SERVER": zmq.NewClient(nil), "SCATTER": zmq.NewGather(nil), "PEER": zmq.NewPeer(nil), "CHANNEL": zmq.NewChannel(nil),
	} {
		t.Run(kind, func(t *testing.T) {
			leak.Check(t)
			e := listenOn(t, s, "tcp")
			c := rawPeer(t, e, append(greeting(kind), "\x01\x01a\x00\x01b"+"\x00\x04good"...))
			expect(t, s, "good")
			if d := s.Stats().Recv.Dropped; sum(d) != 1 {
				t.Errorf("dropped are %v", d)
			}
			_ = c.Close()
			eventually(t, "it is gone", func() bool { return s.Stats().Endpoints[0].Pipes == 0 })
			shut(t, s)
		})
	}
}
