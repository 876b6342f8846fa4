// SPDX-License-Identifier: MIT

package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/ws"
)

// frames attaches WebSocket at one end.
func frames(client bool) func(*stream.Bytes) (*stream.Messages, error) {
	return func(b *stream.Bytes) (*stream.Messages, error) { return stream.WebSocketFrames(b, client, nil) }
}

// A WebSocket follows HTTP on a stream, and gives it back whole.
func TestWebSocketAttachesAndDetaches(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	big := bytes.Repeat([]byte("0123456789"), 100_000)
	bodies := [][]byte{{}, []byte("x"), big}
	receive := func(m *stream.Messages) error {
		for _, want := range bodies {
			if got, err := m.Receive(ctx); err != nil || !bytes.Equal(got, want) {
				return fmt.Errorf("%.20q of %d bytes, %w", got, len(got), err)
			}
		}
		return nil
	}
	both(t, func() error {
		m, r, err := stream.WebSocketClient(ctx, a, "example.com", "/feed?x=y", nil)
		if err != nil {
			return err
		}
		if r.Code != 101 {
			t.Errorf("the response is %+v", r)
		}
		if err := errors.Join(m.Send(ctx, bodies...), receive(m)); err != nil {
			return err
		}
		below, err := m.Detach(ctx)
		if err != nil {
			return err
		}
		return exchange(ctx, below, "the end")
	}, func() error {
		r, err := stream.ReadHTTPRequest(ctx, b)
		if err != nil {
			return err
		}
		if r.Target != "/feed?x=y" || r.Header.Get("Host") != "example.com" {
			t.Errorf("the request is %+v", r)
		}
		m, err := stream.WebSocketServer(ctx, b, r, nil)
		if err != nil {
			return err
		}
		if err := errors.Join(receive(m), m.Send(ctx, bodies...)); err != nil {
			return err
		}
		below, err := m.Detach(ctx)
		if err != nil {
			return err
		}
		return exchange(ctx, below, "the end")
	})
}

// Requests for something else are answered, and breaches reported to the peer.
func TestWebSocketRefuses(t *testing.T) {
	ctx := testkit.Watchdog(t)
	for request, code := range map[string]int{
		"GET / HTTP/1.1\r\n\r\n": 426,
		"POST / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n":                                                                           400,
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n": 426,
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n":                       400,
	} {
		a, b := stream.Pipe()
		testkit.Check(t, a.Write(ctx, []byte(request)))
		r, err := stream.ReadHTTPRequest(ctx, b)
		testkit.Check(t, err)
		if _, err := stream.WebSocketServer(ctx, b, r, nil); !errors.Is(err, stream.ErrHTTP) {
			t.Errorf("%q: %v", request, err)
		}
		if answer, err := stream.ReadHTTPResponse(ctx, a); err != nil || answer.Code != code {
			t.Errorf("%q is answered with %+v, %v", request, answer, err)
		}
	}
	a, b := stream.Pipe()
	testkit.Check(t, b.Write(ctx, []byte("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")))
	if _, _, err := stream.WebSocketClient(ctx, a, "x", "/", nil); !errors.Is(err, stream.ErrHTTP) {
		t.Errorf("an answer without the proof: %v", err)
	}
	for wire, status := range map[string]string{
		"\x81\x80\x00\x00\x00\x00": "\x03\xeb", // text
		"\x82\x01x":                "\x03\xea", // no mask
		"\x82\xfe\x01\x00\x00\x00\x00\x00" + strings.Repeat("x", 256): "\x03\xf1",
		"\x80\x80\x00\x00\x00\x00":                                    "\x03\xea", // a continuation of nothing
	} {
		a, b := stream.Pipe()
		testkit.Check(t, a.Write(ctx, []byte(wire)))
		m, err := stream.WebSocketFrames(b, false, &stream.WebSocketOptions{MaxMessage: 100})
		testkit.Check(t, err)
		if p, err := m.Receive(ctx); err == nil {
			t.Errorf("%q is %q", wire, p)
		}
		head := make([]byte, 4)
		if err := a.ReadFull(ctx, head); err != nil || head[0] != 0x88 || string(head[2:]) != status {
			t.Errorf("%q is answered with %q, %v", wire, head, err)
		}
		testkit.Check(t, a.Discard(ctx, int(head[1]&0x7f)-2))
		if n, err := a.Read(ctx, head); err != io.EOF {
			t.Errorf("after %q and the answer come %d bytes, %v", wire, n, err)
		}
		err = m.Send(ctx, []byte("more"))
		testkit.Wants(t, err, err, "direction has ended")
		_, _ = a.Close(), m.Close()
	}
}

// Pings are answered while messages are received, also between the fragments of one and while this end sends.
func TestWebSocketAnswersPings(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := stream.Pipe()
	m, err := stream.WebSocketFrames(b, true, nil)
	testkit.Check(t, err)
	testkit.Check(t, a.Write(ctx, []byte("\x02\x02he\x89\x01p\x80\x03llo")))
	if got, err := m.Receive(ctx); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
	pong := make([]byte, 7)
	if err := a.ReadFull(ctx, pong); err != nil || pong[0] != 0x8a || pong[1] != 0x81 || pong[6]^pong[2] != 'p' {
		t.Errorf("the answer is %x, %v", pong, err)
	}
	sending := make(chan error, 1)
	go func() { sending <- m.Send(ctx, make([]byte, 8<<20)) }() // the peer does not read it yet
	testkit.Check(t, a.Write(ctx, []byte(strings.Repeat("\x89\x01q", 100)+"\x82\x01x")))
	if got, err := m.Receive(ctx); err != nil || string(got) != "x" {
		t.Fatalf("%q, %v", got, err)
	}
	peer, err := stream.WebSocketFrames(a, false, nil)
	testkit.Check(t, err)
	if got, err := peer.Receive(ctx); err != nil || len(got) != 8<<20 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	testkit.Check(t, <-sending)
	testkit.Check(t, m.Close())
}

// A stack of messages is dialed by its URL: here one that a socket listens at.
func TestDialMessages(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, client := testkit.Certificates()
	o := spry.Options{Transports: []transport.Transport{tcp.Transport{}, ws.Transport{}}}
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	testkit.CloseAll(t, rep)
	go func() {
		for {
			r, err := rep.Recv(ctx)
			if err != nil {
				return
			}
			_ = r.Reply(ctx, append([]byte("re: "), r.Bytes()...))
		}
	}()
	for scheme, c := range map[string]*spry.ListenConfig{"ws": {}, "wss": {TLS: server}} {
		c.URL = scheme + "://127.0.0.1:0/ask"
		e, err := rep.ListenWith(ctx, c)
		testkit.Check(t, err)
		url := "ws+throttle+tcp://" + e.Addr().String() + "?throttle=1GB/s&"
		if scheme == "wss" {
			url = "ws+tls+tcp://" + e.Addr().String() + "?"
		}
		m, err := stream.DialMessages(ctx, url+"ws-path=/ask?format%3Dtext&ws-format=text", &stream.DialOptions{TLS: client})
		testkit.Check(t, err)
		testkit.Check(t, m.Send(ctx, []byte("hello")))
		if got, err := m.Receive(ctx); err != nil || string(got) != "re: hello" {
			t.Errorf("%s: %q, %v", url, got, err)
		}
		testkit.Check(t, m.CloseSend(ctx))
		if _, err := m.Receive(ctx); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the end %v", url, err)
		}
		testkit.Check(t, m.Close())
	}
	for _, url := range []string{"tcp://a:1", "ws://a:1", "ws+tcp://a:1?ws-format=json", "prefix+tcp://a:1?prefix=x", "lines+tcp://a:1?other=1", "x+tcp://a:1"} {
		if _, err := stream.DialMessages(ctx, url, nil); !errors.Is(err, transport.ErrURL) {
			t.Errorf("%s: %v", url, err)
		}
	}
	l, err := stream.Listen(ctx, "tcp://127.0.0.1:0", nil)
	testkit.Check(t, err)
	defer l.Close()
	for url, attach := range map[string]func(*stream.Bytes) (*stream.Messages, error){
		"prefix+" + l.URL():               func(b *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(b, 4, 100) },
		"prefix+" + l.URL() + "?prefix=2": func(b *stream.Bytes) (*stream.Messages, error) { return stream.Prefix(b, 2, 100) },
		"lines+" + l.URL():                func(b *stream.Bytes) (*stream.Messages, error) { return stream.Lines(b, 100) },
	} {
		both(t, func() error {
			m, err := stream.DialMessages(ctx, url, nil)
			if err != nil {
				return err
			}
			return errors.Join(m.Send(ctx, []byte(url)), m.CloseSend(ctx))
		}, func() error {
			b, err := l.Accept(ctx)
			if err != nil {
				return err
			}
			got, _, err := received(context.Background(), must(attach(b)), nil)
			if got != url {
				t.Errorf("%s: %q, %v", url, got, err)
			}
			return nil
		})
	}
}

func must(m *stream.Messages, err error) *stream.Messages {
	if err != nil {
		panic(err)
	}
	return m
}

// FuzzWebSocketFrames reads messages out of any bytes. They take no more memory than has come, and the layer never more bytes than
// its end.
func FuzzWebSocketFrames(f *testing.F) {
	f.Add([]byte("\x02\x03hel\x89\x02hi\x80\x02lo\x88\x02\x03\xe8rest"), true)
	f.Add([]byte("\x82\x83\x01\x02\x03\x04abc\x88\x80\x01\x02\x03\x04"), false)
	f.Add([]byte("\x82\x7f\x00\x00\x00\x00\x00\x0f\x00\x00x"), true)
	f.Fuzz(func(t *testing.T, wire []byte, client bool) {
		if len(wire) > 32<<10 {
			return
		}
		ctx := context.Background()
		a, b := stream.Pipe()
		testkit.Check(t, a.Write(ctx, wire))
		testkit.Check(t, a.CloseWrite(ctx))
		m, err := stream.WebSocketFrames(b, client, nil)
		testkit.Check(t, err)
		total := 0
		for {
			p, err := m.Receive(ctx)
			if err != nil {
				break
			}
			total += len(p)
		}
		if total > len(wire) {
			t.Errorf("%d bytes have messages of %d", len(wire), total)
		}
		_, _ = a.Close(), m.Close()
	})
}
