// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A gate is a listener in memory whose connections come from where the test says.
type gate struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

func (g *gate) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (g *gate) Close() error {
	g.once.Do(func() { close(g.done) })
	return nil
}

type fromAddress struct {
	net.Conn
	addr net.Addr
}

func (f fromAddress) RemoteAddr() net.Addr { return f.addr }

// ask shows a password from an address, as PLAIN does, and returns whether it was welcome, and after how long.
func (g *gate) ask(from, password string) (welcome bool, after time.Duration) {
	near, far := net.Pipe()
	defer near.Close()
	g.conns <- fromAddress{far, &net.TCPAddr{IP: net.ParseIP(from), Port: 1}}
	greeting := make([]byte, 64)
	greeting[0], greeting[8], greeting[9], greeting[10], greeting[11] = 0xff, 1, 0x7f, 3, 1
	copy(greeting[12:], "PLAIN")
	hello := append([]byte("\x05HELLO\x01u"), byte(len(password)))
	hello = append(hello, password...)
	start := time.Now()
	said := slices.Concat(greeting, []byte{4, byte(len(hello))}, hello)
	go func() { _, _ = near.Write(said) }()
	var heard []byte
	b := make([]byte, 200)
	for len(heard) < 64+2+8 {
		n, err := near.Read(b)
		heard = append(heard, b[:n]...)
		if err != nil {
			break
		}
	}
	return len(heard) > 66 && string(heard[67:]) == "WELCOME", time.Since(start)
}

func atGate(t *testing.T, f func(t *testing.T, g *gate, looks *atomic.Int64)) {
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		allow := zmq.AllowPasswords(map[string]string{"u": "right"})
		check := func(ctx context.Context, c zmq.Credentials) (string, error) {
			looks.Add(1)
			return allow(ctx, c)
		}
		s := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{Linger: -1, Security: zmq.PlainServer{Check: check}}})
		g := &gate{conns: make(chan net.Conn), done: make(chan struct{})}
		_, err := s.ListenOn(g, nil)
		testkit.Check(t, err)
		f(t, g, &looks)
		testkit.Check(t, s.Close())
	})
}

// Who guesses one password after the other gets slower and slower. A right password comes in at once from elsewhere, and after
// a delay from the same address; after a while nothing is held against that.
func TestGuessesSlowDown(t *testing.T) {
	atGate(t, func(t *testing.T, g *gate, _ *atomic.Int64) {
		start := time.Now()
		for i := range 20 {
			if welcome, _ := g.ask("10.0.0.1", fmt.Sprint("wrong", i)); welcome {
				t.Fatal("a wrong password is welcome")
			}
		}
		if d := time.Since(start); d < time.Minute {
			t.Errorf("20 guesses took %v, want more than a minute", d)
		}
		if welcome, after := g.ask("10.0.0.2", "right"); !welcome || after > 10*time.Millisecond {
			t.Errorf("a right password from elsewhere: welcome %v, after %v", welcome, after)
		}
		if welcome, after := g.ask("10.0.0.1", "right"); !welcome || after > 5*time.Second {
			t.Errorf("a right password from the same address: welcome %v, after %v", welcome, after)
		}
		time.Sleep(10 * time.Minute)
		if welcome, after := g.ask("10.0.0.1", "right"); !welcome || after > 0 {
			t.Errorf("10 minutes later: welcome %v, after %v", welcome, after)
		}
	})
}

// Guesses on many connections at once, and from many addresses of one network, are no faster than they should be.
func TestParallelGuessesSlowDown(t *testing.T) {
	atGate(t, func(t *testing.T, g *gate, looks *atomic.Int64) {
		const guessers = 50
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		g.ask("2001:db8::1", "wrong")
		var all sync.WaitGroup
		for i := range guessers {
			all.Go(func() {
				for ctx.Err() == nil {
					g.ask(fmt.Sprintf("2001:db8::%x", i), "wrong")
					time.Sleep(time.Second)
				}
			})
		}
		time.Sleep(10 * time.Second)
		if welcome, after := g.ask("2001:db8:1::1", "right"); !welcome || after > 10*time.Millisecond {
			t.Errorf("a right password from elsewhere: welcome %v, after %v", welcome, after)
		}
		all.Wait()
		if n := looks.Load(); n > 200 {
			t.Errorf("%d guesses of one network were looked at within 20 s", n)
		}
		t.Logf("%d guesses were looked at within 20 s", looks.Load())
	})
}

// A check that failed, or that asks to come again, says nothing about a password.
func TestFailedChecksDelayNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{Linger: -1, Security: zmq.PlainServer{
			Check: func(context.Context, zmq.Credentials) (string, error) {
				if asked.Add(1)%2 == 0 {
					return "", zmq.ErrTryLater
				}
				return "", context.DeadlineExceeded
			},
		}}})
		g := &gate{conns: make(chan net.Conn), done: make(chan struct{})}
		_, err := s.ListenOn(g, nil)
		testkit.Check(t, err)
		for range 20 {
			if welcome, after := g.ask("10.0.0.1", "any"); welcome || after > 0 {
				t.Fatalf("welcome %v, after %v", welcome, after)
			}
		}
		testkit.Check(t, s.Close())
	})
}
