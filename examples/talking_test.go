// SPDX-License-Identifier: MIT

package examples_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// A room passes lines on to all others, under the name that a connection has; it says who comes and goes, and opens again.
func TestChat(t *testing.T) {
	t.Parallel()
	at := url(t)
	ada := run(t, "chat", "-url", at, "-host", "-name", "ada")
	ada.await(`here: \[\]\n`)
	bob := run(t, "chat", "-url", at, "-name", "bob")
	bob.await(`here: \[ada\]\n`)
	ada.await(`bob came\n`)
	ada.say("hello")
	bob.await(`ada: hello\n`)
	cy := run(t, "chat", "-url", at, "-name", "cy")
	cy.await(`here: \[ada bob\]\n`)
	cy.say("hi: all")
	for _, p := range []*program{ada, bob} {
		p.await(`cy came\ncy: hi: all\n`)
	}

	bob.say("bye")
	bob.input.Close()
	bob.expect(0)
	cy.await(`bob: bye\nbob left\n`)
	ada.await(`bob: bye\nbob left\n`)

	eve := spry.NewPair(nil)
	defer eve.Close()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	if _, err := eve.Dial(ctx, at); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"eve: ", "ada: it is me", "eve: \x1b[31mred"} {
		if err := eve.Send(ctx, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	cy.await(`eve came\neve: it is me\neve: +\[31mred\n`)

	ada.stop(syscall.SIGTERM)
	if strings.Contains(ada.output(), "ada") {
		t.Errorf("ada got her own lines: %q", ada.output())
	}
	dora := run(t, "chat", "-url", at, "-host", "-name", "dora")
	dora.await(`here: \[\]\n`)
	cy.say("again")
	dora.await(`cy came\ncy: again\n`)
	cy.cmd.Process.Kill()
	dora.await(`cy left\n`)
	dora.input.Close()
	dora.expect(0)
}

// Messages pass from either protocol to either, and a bridge that is replaced meanwhile loses none.
func TestBridge(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	from, to := url(t), url(t)
	fromSP, fromZMQ := spry.NewPush(nil), zmq.NewPush(nil)
	toSP, toZMQ := spry.NewPull(nil), zmq.NewPull(nil)
	for s, at := range map[*spry.Socket]string{&fromSP.Socket: from, &fromZMQ.Socket: from, &toSP.Socket: to, &toZMQ.Socket: to} {
		defer s.Close()
		if _, err := s.Connect(at); err != nil {
			t.Fatal(err)
		}
	}
	first := run(t, "bridge", "-from", from, "-to", to)
	for _, s := range []*spry.Socket{&fromSP.Socket, &fromZMQ.Socket, &toSP.Socket, &toZMQ.Socket} {
		if err := s.WaitPipes(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}

	var enough atomic.Bool
	sent := make(chan int, 2)
	send := func(name string, send func(body []byte) error) {
		n := 0
		for ; !enough.Load(); n++ {
			if err := send(fmt.Append(nil, name, n)); err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
		sent <- n
	}
	go send("sp", func(b []byte) error { return fromSP.Send(ctx, b) })
	go send("zmq", func(b []byte) error { return fromZMQ.Send(ctx, b) })

	const some = 1000
	var second *program
	var firstEnded chan struct{}
	got, bySP, byZMQ, atSecond := map[string]int{}, 0, 0, 0
	sp, zm := toSP.Chan(ctx), toZMQ.Chan(ctx)
	for sending, total := 2, 0; sending > 0 || len(got) < total; {
		select {
		case m := <-sp:
			bySP++
			got[string(m.Bytes())]++
		case m := <-zm:
			byZMQ++
			got[string(m.Bytes())]++
		case <-firstEnded:
			second, firstEnded, atSecond = run(t, "bridge", "-from", from, "-to", to), nil, len(got)
		case n := <-sent:
			sending, total = sending-1, total+n
		case <-ctx.Done():
			t.Fatalf("%d messages arrived, of %d", len(got), total)
		}
		if second == nil && firstEnded == nil && len(got) >= some {
			first.cmd.Process.Signal(syscall.SIGTERM)
			firstEnded = first.exited
		}
		if second != nil && len(got) >= atSecond+some {
			enough.Store(true)
		}
	}
	first.expect(0)
	for body, n := range got {
		if n != 1 {
			t.Errorf("%s arrived %d times", body, n)
		}
	}
	t.Logf("%d messages, %d of them by the first bridge", len(got), atSecond)
	if bySP == 0 || byZMQ == 0 || !strings.Contains(first.output(), "messages passed on") {
		t.Errorf("the pulls have %d and %d; the first bridge printed %q", bySP, byZMQ, first.output())
	}
	second.stop(syscall.SIGTERM)
}

// A bridge that ends delivers what it has received, although no program took it before.
func TestBridgeEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	from, to := url(t), url(t)
	push, pull := spry.NewPush(nil), spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 1}})
	defer push.Close()
	defer pull.Close()
	bridge := run(t, "bridge", "-from", from, "-to", to)
	if _, err := pull.Connect(to); err != nil {
		t.Fatal(err)
	}
	if err := pull.WaitPipes(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Connect(from); err != nil {
		t.Fatal(err)
	}
	const count = 3000 // of 1 KiB: more than the kernel holds, and less than the bridge does
	for range count {
		if err := push.Send(ctx, make([]byte, 1024)); err != nil {
			t.Fatal(err)
		}
	}
	if err := push.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := bridge.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p := range push.Pipes() {
		<-p.Done()
	}
	for n := range count {
		if _, err := pull.Recv(ctx); err != nil {
			t.Fatalf("%d messages arrived: %v", n, err)
		}
	}
	bridge.expect(0)
}

// Programs that listen are dialed, each by its protocol.
func TestBridgeDials(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	from, to := url(t), url(t)
	push, pull := spry.NewPush(nil), zmq.NewPull(nil)
	defer push.Close()
	defer pull.Close()
	if _, err := push.Listen(ctx, from); err != nil {
		t.Fatal(err)
	}
	if _, err := pull.Listen(ctx, to); err != nil {
		t.Fatal(err)
	}
	bridge := run(t, "bridge", "-from", "sp+"+from+","+url(t), "-to", "zmtp+"+to)
	if err := push.Send(ctx, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got, err := pull.Recv(ctx); err != nil || string(got[0]) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	bridge.stop(syscall.SIGTERM)
}
