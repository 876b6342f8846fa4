// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// newRaw opens a raw socket.
func newRaw(t *testing.T, p spry.Protocol, o spry.Options) *spry.Raw {
	t.Helper()
	r, err := spry.NewRaw(p, &o)
	testkit.Check(t, err)
	if r.Protocol() != p {
		t.Errorf("a raw %v says that it is a %v", p, r.Protocol())
	}
	return r
}

// word is one word of a routing header.
func word(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// A raw REP sees the pipe and the request's id, and answers by them; a raw REQ sees the id that it gave.
func TestRawRequestHeaders(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		for front, back := range map[spry.Protocol]spry.Protocol{
			spry.ProtocolReq: spry.ProtocolRep, spry.ProtocolSurveyor: spry.ProtocolRespondent,
		} {
			asks, answers := newRaw(t, front, l.options), newRaw(t, back, l.options)
			l.join(t, asks, answers)
			testkit.Check(t, asks.WaitPipes(ctx, 1))
			id := word(1<<31 | 12345)
			q := spry.WrapMessage([]byte("question"), nil)
			q.SetHeader(id)
			testkit.Check(t, asks.SendMsg(ctx, q))
			m, err := answers.RecvMsg(ctx)
			testkit.Check(t, err)
			if want := append(word(m.Pipe().ID()), id...); !bytes.Equal(m.Header(), want) || string(m.Bytes()) != "question" {
				t.Errorf("a raw %v got the header %x, want %x, and %q", back, m.Header(), want, m.Bytes())
			}
			answer := spry.WrapMessage([]byte("answer"), nil)
			answer.SetHeader(bytes.Clone(m.Header()))
			testkit.Check(t, answers.SendMsg(ctx, answer))
			m, err = asks.RecvMsg(ctx)
			testkit.Check(t, err)
			if !bytes.Equal(m.Header(), id) || string(m.Bytes()) != "answer" {
				t.Errorf("a raw %v got the header %x, want %x, and %q", front, m.Header(), id, m.Bytes())
			}

			lost := spry.WrapMessage([]byte("nobody"), nil)
			lost.SetHeader(append(word(1<<31-1), id...)) // of a pipe that does not exist
			testkit.Check(t, answers.SendMsg(ctx, lost))
			if n := answers.Stats().Send.Dropped["no_peer"]; n != 1 || lost.Len() != 0 {
				t.Errorf("an answer for nobody: %d dropped, and the message has %d bytes", n, lost.Len())
			}
			testkit.Shut(t, asks, answers)
		}
	})
}

// A raw PAIR 1 sees the number of hops, to which it adds one; a raw BUS sees the pipe, and does not send back to it;
// the others have no header.
func TestOtherRawHeaders(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		a, b := newRaw(t, spry.ProtocolPair1, l.options), newRaw(t, spry.ProtocolPair1, l.options)
		l.join(t, a, b)
		testkit.Check(t, a.Send(ctx, []byte("first")))
		m, err := b.RecvMsg(ctx)
		testkit.Check(t, err)
		for hops := byte(1); hops < 5; hops++ {
			if !bytes.Equal(m.Header(), []byte{0, 0, 0, hops}) || string(m.Bytes()) != "first" {
				t.Fatalf("after %d hops: header %x, %q", hops, m.Header(), m.Bytes())
			}
			testkit.Check(t, b.SendMsg(ctx, m))
			a, b = b, a
			m, err = b.RecvMsg(ctx)
			testkit.Check(t, err)
		}
		testkit.Shut(t, a, b)

		push, pull := newRaw(t, spry.ProtocolPush, l.options), newRaw(t, spry.ProtocolPull, l.options)
		pub, sub := newRaw(t, spry.ProtocolPub, l.options), newRaw(t, spry.ProtocolSub, l.options)
		a, b = newRaw(t, spry.ProtocolPair0, l.options), newRaw(t, spry.ProtocolPair0, l.options)
		for from, to := range map[*spry.Raw]*spry.Raw{push: pull, pub: sub, a: b} {
			l.join(t, to, from)
			testkit.Check(t, from.WaitPipes(ctx, 1))
			testkit.Check(t, from.Send(ctx, []byte("plain")))
			m, err := to.RecvMsg(ctx)
			testkit.Check(t, err)
			if len(m.Header()) != 0 || string(m.Bytes()) != "plain" {
				t.Errorf("a raw %v got the header %x, %q", to.Protocol(), m.Header(), m.Bytes())
			}
			testkit.Shut(t, from, to)
		}

		hub := newRaw(t, spry.ProtocolBus, l.options)
		nodes := []*spry.Bus{spry.NewBus(&spry.BusOptions{Options: l.options}), spry.NewBus(&spry.BusOptions{Options: l.options})}
		for _, n := range nodes {
			l.join(t, n, hub)
		}
		testkit.Check(t, hub.WaitPipes(ctx, 2))
		testkit.Check(t, nodes[0].Send(ctx, []byte("to the other")))
		m, err = hub.RecvMsg(ctx)
		testkit.Check(t, err)
		if !bytes.Equal(m.Header(), word(m.Pipe().ID())) {
			t.Errorf("a raw bus got the header %x from pipe %x", m.Header(), m.Pipe().ID())
		}
		testkit.Check(t, hub.SendMsg(ctx, m))
		testkit.Check(t, hub.Send(ctx, []byte("to both")))
		for i, wants := range [][]string{{"to both"}, {"to the other", "to both"}} {
			for _, want := range wants {
				got, err := nodes[i].Recv(ctx)
				testkit.Check(t, err)
				if string(got) != want {
					t.Errorf("node %d got %q, want %q", i, got, want)
				}
			}
		}
		testkit.Shut(t, hub, nodes[0], nodes[1])
	})
}

// Raw sockets of roles that only receive do not send, and their message stays with the caller.
func TestRawReceiversDoNotSend(t *testing.T) {
	for _, p := range []spry.Protocol{spry.ProtocolPull, spry.ProtocolSub} {
		r := newRaw(t, p, spry.Options{})
		m := spry.WrapMessage([]byte("no"), nil)
		if err := r.SendMsg(testkit.Watchdog(t), m); !errors.Is(err, errors.ErrUnsupported) || m.Len() != 2 {
			t.Errorf("a raw %v sends: %v, and the message has %d bytes", p, err, m.Len())
		}
		testkit.Shut(t, r)
	}
	for _, p := range []spry.Protocol{spry.ProtocolPush, spry.ProtocolPub} {
		r := newRaw(t, p, spry.Options{})
		_, recv := r.RecvMsg(testkit.Watchdog(t))
		_, try := r.TryRecvMsg()
		_, batch := r.RecvBatch(testkit.Watchdog(t), make([]*spry.Message, 1))
		for _, err := range []error{recv, try, batch} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a raw %v receives: %v", p, err)
			}
		}
		testkit.Shut(t, r)
	}
	if r, err := spry.NewRaw(spry.Protocol(0x7777), nil); r != nil || !errors.Is(err, spry.ErrConfig) {
		t.Errorf("NewRaw of what does not exist: %v, %v", r, err)
	}
}

// A chain of proxies carries a message over as many pipes as the last socket's TTL says; one more, and it is dropped
// and counted there.
func TestTTLBoundsChains(t *testing.T) {
	const ttl = 3
	over := map[string]struct{ front, back spry.Protocol }{
		"request": {spry.ProtocolRep, spry.ProtocolReq}, "survey": {spry.ProtocolRespondent, spry.ProtocolSurveyor},
		"pair": {spry.ProtocolPair1, spry.ProtocolPair1},
	}
	runSP(t, func(t *testing.T, l link) {
		for name, p := range over {
			for proxies := ttl - 1; proxies <= ttl; proxies++ {
				chain(t, l, name, p.front, p.back, ttl, proxies)
			}
		}
	})
}

func chain(t *testing.T, l link, name string, front, back spry.Protocol, ttl, proxies int) {
	ctx := testkit.Watchdog(t)
	passing, stop := context.WithCancel(ctx)
	defer stop()
	var working sync.WaitGroup
	last := l.options
	last.TTL = ttl
	var first, end testkit.Attacher
	var send func() error
	var recv func(context.Context) ([]byte, error)
	bytesOf := func(r *spry.Request, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return bytes.Clone(r.Bytes()), nil
	}
	switch name {
	case "request":
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: last})
		first, end = req, rep
		send = func() error { _, err := req.Start(spry.WrapMessage([]byte("far"), nil)); return err }
		recv = func(ctx context.Context) ([]byte, error) { return bytesOf(rep.Recv(ctx)) }
	case "survey":
		s, r := spry.NewSurveyor(&spry.SurveyorOptions{Options: l.options}), spry.NewRespondent(&spry.RespondentOptions{Options: last})
		first, end = s, r
		send = func() error {
			working.Go(func() {
				for range s.Survey(passing, []byte("far")) {
					break // nobody answers
				}
			})
			return nil
		}
		recv = func(ctx context.Context) ([]byte, error) { return bytesOf(r.Recv(ctx)) }
	case "pair":
		a, b := spry.NewPair(&spry.PairOptions{Options: l.options}), spry.NewPair(&spry.PairOptions{Options: last})
		first, end = a, b
		send = func() error { return a.Send(ctx, []byte("far")) }
		recv = b.Recv
	}
	all := []testkit.Socket{first}
	at := first
	for range proxies {
		a, b := newRaw(t, front, l.options), newRaw(t, back, l.options)
		l.join(t, at, a)
		testkit.Check(t, at.WaitPipes(ctx, 1))
		working.Go(func() {
			if err := spry.Proxy(passing, a, b, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Proxy ended with %v, want its context's end", err)
			}
		})
		all, at = append(all, a, b), b
	}
	l.join(t, at, end)
	testkit.Check(t, at.WaitPipes(ctx, 1))
	testkit.Check(t, end.WaitPipes(ctx, 1))
	testkit.Check(t, send())
	if proxies+1 <= ttl {
		got, err := recv(ctx)
		testkit.Check(t, err)
		if string(got) != "far" {
			t.Errorf("a %s over %d proxies came as %q", name, proxies, got)
		}
	} else {
		testkit.Eventually(t, "the message is dropped", func() bool { return end.Stats().Recv.Dropped["ttl"] == 1 })
	}
	stop()
	working.Wait()
	testkit.Shut(t, append(all, end)...)
}

// A proxy with one socket is a reflector: a bus through which all others hear each other, a pair that hears itself.
func TestReflectorsDeliver(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		passing, stop := context.WithCancel(ctx)
		defer stop()
		var working sync.WaitGroup
		reflect := func(r *spry.Raw) {
			working.Go(func() {
				if err := spry.Proxy(passing, r, nil, nil); !errors.Is(err, context.Canceled) {
					t.Errorf("Proxy ended with %v, want its context's end", err)
				}
			})
		}
		hub, mirror := newRaw(t, spry.ProtocolBus, l.options), newRaw(t, spry.ProtocolPair1, l.options)
		var nodes []*spry.Bus
		for range 3 {
			n := spry.NewBus(&spry.BusOptions{Options: l.options})
			l.join(t, n, hub)
			nodes = append(nodes, n)
		}
		testkit.Check(t, hub.WaitPipes(ctx, len(nodes)))
		pair := spry.NewPair(&spry.PairOptions{Options: l.options})
		l.join(t, pair, mirror)
		reflect(hub)
		reflect(mirror)
		carry(t, nodes[0], nodes[1], nodes[2])
		carry(t, pair, pair)
		if m, err := nodes[0].TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("a bus hears itself: %v, %v", m, err)
		}
		stop()
		working.Wait()
		testkit.Shut(t, nodes[0], nodes[1], nodes[2], hub, pair, mirror)
	})
}

// A promisingLink promises what its test says, connects to whom the socket talks to, and carries nothing.
type promisingLink struct {
	transport.Messages
	promises transport.Properties
	end      net.Conn // whose Close ends it
}

func (l *promisingLink) Info() transport.Info { return transport.Info{Properties: l.promises} }
func (l *promisingLink) LocalAddr() net.Addr  { return l.end.LocalAddr() }
func (l *promisingLink) RemoteAddr() net.Addr { return l.end.RemoteAddr() }
func (l *promisingLink) CloseWrite() error    { return l.end.Close() }
func (l *promisingLink) Close() error         { return l.end.Close() }

func (l *promisingLink) Handshake(_ context.Context, offers []transport.Offer, _ bool) (transport.Offer, transport.Hello, error) {
	us := offers[0].Hello
	return offers[0], transport.Hello{Protocol: us.Peer, Peer: us.Protocol, Name: us.PeerName, PeerName: us.Name}, nil
}

func (l *promisingLink) ReadMessages([][]byte, func([]byte, int) []byte) (int, error) {
	_, err := io.ReadFull(l.end, make([]byte, 1))
	return 0, err
}

// A raw socket refuses a link that does not promise what its protocol needs, in the words of the socket that is not raw.
func TestRawSocketsNeedWhatTheirProtocolsNeed(t *testing.T) {
	type socket interface {
		AttachLink(context.Context, transport.Link, *spry.AttachConfig) (*spry.Pipe, error)
		Close() error
	}
	for protocol, cooked := range map[spry.Protocol]socket{
		spry.ProtocolPair0:      spry.NewPair(&spry.PairOptions{V0: true}),
		spry.ProtocolPair1:      spry.NewPair(nil),
		spry.ProtocolPub:        spry.NewPub(nil),
		spry.ProtocolSub:        spry.NewSub(nil),
		spry.ProtocolReq:        spry.NewReq(nil),
		spry.ProtocolRep:        spry.NewRep(nil),
		spry.ProtocolPush:       spry.NewPush(nil),
		spry.ProtocolPull:       spry.NewPull(nil),
		spry.ProtocolSurveyor:   spry.NewSurveyor(nil),
		spry.ProtocolRespondent: spry.NewRespondent(nil),
		spry.ProtocolBus:        spry.NewBus(nil),
	} {
		raw := newRaw(t, protocol, spry.Options{})
		for _, promises := range []transport.Properties{{}, {Reliable: true}, {Ordered: true}, {Reliable: true, Ordered: true}} {
			verdict := func(s socket) error {
				near, far := net.Pipe()
				defer far.Close()
				p, err := s.AttachLink(testkit.Watchdog(t), &promisingLink{promises: promises, end: near}, nil)
				if err != nil {
					return err
				}
				return p.Close()
			}
			want, got := verdict(cooked), verdict(raw)
			if fmt.Sprint(got) != fmt.Sprint(want) || errors.Is(got, spry.ErrRefused) != errors.Is(want, spry.ErrRefused) {
				t.Errorf("a link of %+v: a raw %v says %v, and the one that is not raw %v", promises, protocol, got, want)
			}
		}
		testkit.Check(t, errors.Join(cooked.Close(), raw.Close()))
	}
}
