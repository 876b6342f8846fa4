// SPDX-License-Identifier: MIT

package pattern

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

// curve returns the options of a server and of a client that are sealed by CURVE.
func curve(t *testing.T) (server, client engine.Options) {
	t.Helper()
	var keys [2]zmtp.Key
	for i := range keys {
		_, _ = rand.Read(keys[i][:])
	}
	public, err := keys[0].Public()
	if err != nil {
		t.Fatal(err)
	}
	all := engine.Options{
		Dialects: []wire.Dialect{zmtp.Dialect}, Transports: []transport.Transport{tcp.Transport{}}, SendQueue: 100,
		RecvQueue: 100, SendQueueBytes: 4 << 20, RecvQueueBytes: 4 << 20,
	}
	server, client = all, all
	server.Security = zmtp.CurveServer{Secret: keys[0]}
	client.Security = zmtp.CurveClient{Secret: keys[1], ServerKey: public}
	return server, client
}

// open returns a socket of a pattern.
func open[P engine.Pattern](t *testing.T, o engine.Options, bind func(s *engine.Socket, o engine.Options) P) (p P, s *engine.Socket) {
	s = engine.NewSocket(o, func(s *engine.Socket, o engine.Options) engine.Pattern {
		p = bind(s, o)
		return p
	})
	t.Cleanup(func() { _ = s.Close() })
	return p, s
}

func join(t *testing.T, server, client *engine.Socket) {
	t.Helper()
	e, err := server.Listen(t.Context(), "tcp://127.0.0.1:0", engine.EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(t.Context(), e.URL(), engine.EndpointConfig{}, true); err != nil {
		t.Fatal(err)
	}
}

func sealedBody(size, i int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }

// Messages of all sizes go over a sealed connection, from several goroutines at once, with room for few of them.
func TestSealedPipeline(t *testing.T) {
	server, client := curve(t)
	push, dials := open(t, client, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
	pull, listens := open(t, server, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
	join(t, listens, dials)
	sizes := []int{0, 1, 64, 9000, 70_000, 300_000}
	const each, senders = 200, 3
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for i := range each {
				if err := push.Send(t.Context(), true, sealedBody(sizes[i%len(sizes)], i), nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var came [256]int
	for range each * senders {
		m, err := pull.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		body := m.Body()
		if len(body) > 0 {
			if i := int(body[0]); !bytes.Equal(body, sealedBody(sizes[i%len(sizes)], i)) {
				t.Fatalf("a message of %d bytes differs", len(body))
			}
			came[body[0]]++
		}
		m.Release()
	}
	sending.Wait()
	for i := range each {
		if want := senders; i%len(sizes) != 0 && came[i] != want {
			t.Errorf("message %d came %d times, want %d", i, came[i], want)
		}
	}
}

// Requests, replies and what is told beside messages cross a sealed connection at once: their order is that of the seals.
func TestSealedRequestsAndSubscriptions(t *testing.T) {
	server, client := curve(t)
	req, asks := open(t, client, func(s *engine.Socket, _ engine.Options) *Req { return NewReq(s, hello(sp.Req), -1, false, false) })
	rep, answers := open(t, server, func(_ *engine.Socket, o engine.Options) *Responder { return NewResponder(hello(sp.Rep), o) })
	join(t, answers, asks)
	go func() {
		for {
			r, err := rep.Recv(t.Context())
			if err != nil {
				return
			}
			_ = r.Reply(t.Context(), r.Message().Body(), nil)
		}
	}()
	var calling sync.WaitGroup
	for c := range 8 {
		calling.Go(func() {
			for i := range 50 {
				want := sealedBody(10*i, c)
				if m, err := req.Do(t.Context(), want, nil); err != nil || !bytes.Equal(m.Body(), want) {
					t.Errorf("caller %d: %v", c, err)
					return
				}
			}
		})
	}
	calling.Wait()

	pub, publishes := open(t, server, func(s *engine.Socket, _ engine.Options) *Pub { return NewPub(s, hello(sp.Pub), engine.Block, false) })
	sub, subscribes := open(t, client, func(_ *engine.Socket, o engine.Options) *Sub { return NewSub(hello(sp.Sub), o, engine.Block, false) })
	join(t, publishes, subscribes)
	for i := range byte(200) {
		if err := sub.First().Subscribe(string([]byte{i})); err != nil {
			t.Fatal(err)
		}
	}
	if err := pub.WaitSubscribers(t.Context(), string([]byte{199}), 1); err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if err := pub.Send(t.Context(), true, []byte{byte(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range byte(200) {
		m, err := sub.First().Recv(t.Context())
		if err != nil || !bytes.Equal(m.Body(), []byte{i}) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

// What a sealed pipe has not sent when it ends goes to another, in order and all of it: nothing is dropped, however many
// messages wait and wherever in the pipe they do.
func TestSealedMessagesComeBack(t *testing.T) {
	for name, size := range map[string]int{"small": 4000, "large": 200_000} {
		t.Run(name, func(t *testing.T) {
			server, client := curve(t)
			client.SendQueue, client.SendQueueBytes = 500, 64<<20
			server.RecvQueue = 1
			push, dials := open(t, client, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
			_, deaf := open(t, server, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
			join(t, deaf, dials)
			first := dials.Pipes()[0]
			sent := fillUp(t, push, size)
			pull, second := open(t, server, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
			join(t, second, dials)
			_ = deaf.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			select {
			case <-first.Done():
			case <-ctx.Done():
				t.Fatal("the pipe lives on")
			}
			counted := first.Stats().Send
			if counted.Dropped["pipe_closed"] > 0 || counted.Sent+counted.Returned != uint64(sent) || counted.Returned < 300 {
				t.Fatalf("of %d messages %d were sent, %d came back, dropped: %v", sent, counted.Sent, counted.Returned, counted.Dropped)
			}
			for i := sent - int(counted.Returned); i < sent; i++ {
				m, err := pull.Recv(ctx)
				if err != nil {
					t.Fatalf("message %d of %d: %v", i, sent, err)
				}
				if !bytes.Equal(m.Body(), numberedBody(size, i)) {
					t.Fatalf("message %d is missing, or differs", i)
				}
				m.Release()
			}
		})
	}
}

// fillUp sends numbered messages until the queue and the kernel have no room for another, and returns how many.
func fillUp(t *testing.T, push *Push, size int) (sent int) {
	t.Helper()
	for refused := 0; refused < 20; {
		m := msg.Of(numberedBody(size, sent))
		switch err := push.Send(context.Background(), false, nil, &m); {
		case err == nil:
			sent++
			refused = 0
		case errors.Is(err, engine.ErrWouldBlock):
			m.Release()
			refused++
			time.Sleep(time.Millisecond) // the writer may make room yet; what follows holds if it does it later, too
		default:
			t.Fatal(err)
		}
	}
	return sent
}

func numberedBody(size, i int) []byte {
	return binary.BigEndian.AppendUint32(bytes.Repeat([]byte{byte(i)}, size-4), uint32(i))
}

// A wrong key gets nobody in, and neither does a password that nobody looks at.
func TestSealedRefusals(t *testing.T) {
	server, client := curve(t)
	_, listens := open(t, server, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
	e, err := listens.Listen(t.Context(), "tcp://127.0.0.1:0", engine.EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	wrong := client.Security.(zmtp.CurveClient)
	wrong.ServerKey = zmtp.Key{1, 2, 3}
	asked := ""
	server.Authenticate = func(_ context.Context, q *wire.Question, _ transport.Link) wire.Verdict {
		asked = q.Username
		return wire.Verdict{Accept: q.Password == "right"}
	}
	for name, security := range map[string]wire.Security{"another server's key": wrong, "no security": nil, "PLAIN": zmtp.PlainClient{Username: "a"}} {
		client.Security = security
		_, dials := open(t, client, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
		if _, err := dials.Dial(t.Context(), e.URL(), engine.EndpointConfig{}, true); err == nil {
			t.Errorf("%s gets in", name)
		}
	}
	for password, in := range map[string]bool{"right": true, "wrong": false} {
		for _, check := range []engine.Authenticate{server.Authenticate, nil} {
			o := server
			o.Security, o.Authenticate = zmtp.PlainServer{}, check
			_, plain := open(t, o, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
			e, err := plain.Listen(t.Context(), "tcp://127.0.0.1:0", engine.EndpointConfig{})
			if err != nil {
				t.Fatal(err)
			}
			client.Security = zmtp.PlainClient{Username: "somebody", Password: password}
			_, dials := open(t, client, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
			if _, err := dials.Dial(t.Context(), e.URL(), engine.EndpointConfig{}, true); (err == nil) != (in && check != nil) {
				t.Errorf("with the password %q, and somebody who looks at it %v: %v", password, check != nil, err)
			}
		}
	}
	if asked != "somebody" {
		t.Errorf("asked about %q", asked)
	}
}
