// SPDX-License-Identifier: MIT

package stress_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// acceptable reports whether a call that a Close got in the way of may fail so.
func acceptable(err error) bool {
	return err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || errors.Is(err, spry.ErrPipeClosed) || errors.Is(err, spry.ErrUnsent) || errors.Is(err, spry.ErrUnconfirmed)
}

// T16: eight goroutines at once do what they like with two sockets, while both are closed. Everything returns.
func TestEverythingReturnsInACloseStorm(t *testing.T) {
	leak.Check(t)
	const storms = 5000
	schemes := []string{"inproc", "inproc", "ipc", "inproc", "tcp"}
	hung := time.AfterFunc(5*testkit.Patience, func() { panic("T16: a close storm hangs") })
	defer hung.Stop()
	begin := time.Now()
	for i := range storms {
		storm(t, i, schemes[i%len(schemes)])
	}
	t.Logf("T16: %d close storms of 8 goroutines over 6 patterns, 0 hangs, in %v", storms, time.Since(begin).Round(time.Millisecond))
}

func storm(t *testing.T, i int, scheme string) {
	linger := []time.Duration{-1, time.Millisecond, 20 * time.Millisecond}[i%3]
	o := spry.Options{Linger: linger, SendQueue: 1 + i%5, RecvQueue: 1 + i%7, Network: stormNetwork}
	a, b := testkit.Pair(i/5, o)
	e := testkit.ListenOn(t, b, scheme)
	dial := func(ctx context.Context) error { _, err := a.DialWith(ctx, testkit.DialerTo(e)); return err }
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if i%2 == 0 {
		testkit.Check(t, dial(ctx))
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	run := func(what string, f func(context.Context) error) {
		if f == nil {
			return
		}
		all.Go(func() {
			<-start
			for range 3 {
				if err := f(ctx); !acceptable(err) && !unreachable(err) {
					t.Errorf("storm %d over %s: %s: %v", i, scheme, what, err)
				}
			}
		})
	}
	closing := func(s testkit.End) func(context.Context) error {
		return func(context.Context) error { return s.Close() }
	}
	stats := func(s testkit.End) func(context.Context) error {
		return func(context.Context) error {
			if why := testkit.Unbalanced(s.Stats()); why != "" {
				return fmt.Errorf("unbalanced: %s", why)
			}
			return nil
		}
	}
	run("send", a.Send)
	run("send back", b.Send)
	run("receive", b.Recv)
	run("receive back", a.Recv)
	run("dial", dial)
	run("stats", stats(a))
	run("stats of the listener", stats(b))
	run("close", closing(a))
	run("close again", closing(a))
	run("close the listener", closing(b))
	close(start)
	all.Wait()
	if err := ctx.Err(); err != nil {
		t.Fatalf("storm %d over %s: something only ended by the watchdog", i, scheme)
	}
	for _, s := range []testkit.End{a, b} {
		if s.Send != nil {
			if err := s.Send(ctx); !errors.Is(err, net.ErrClosed) && !(i/5%6 == 3 && err == nil) { // a survey of a closed socket has no answers
				t.Errorf("storm %d over %s: send after Close: %v", i, scheme, err)
			}
		}
		if s.Recv != nil {
			if err := s.Recv(ctx); !errors.Is(err, net.ErrClosed) {
				t.Errorf("storm %d over %s: receive after Close: %v", i, scheme, err)
			}
		}
	}
}

var stormNetwork = spry.NewNetwork()

// unreachable reports whether a dial failed because the listener was gone, or was closing.
func unreachable(err error) bool {
	var op *spry.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "handshake")
}

// T17: a Pub with a thousand peers that do not read closes at once, and says how many messages stay.
func TestCloseReturnsWithBusyPipes(t *testing.T) {
	leak.Check(t)
	const pipes = 1000
	for _, scheme := range []string{"ipc", "tcp"} {
		pub := spry.NewPub(&spry.PubOptions{Options: spry.Options{Linger: -1, SendQueueBytes: 256 << 10}})
		e := testkit.ListenOn(t, pub, scheme)
		var peers []*testkit.Bare
		for range pipes { // that do not read
			b := testkit.BareTo(t, e)
			testkit.Check(t, b.Conn.(interface{ SetReadBuffer(int) error }).SetReadBuffer(4096))
			b.Shake(t, spry.ProtocolSub)
			peers = append(peers, b)
		}
		ctx := testkit.Watchdog(t)
		testkit.Check(t, pub.WaitPipes(ctx, pipes))
		var busy sync.WaitGroup
		for range 2 {
			busy.Go(func() {
				for body := make([]byte, 64<<10); pub.Send(ctx, body) == nil; {
				}
			})
		}
		testkit.Eventually(t, "every pipe is full", func() bool {
			full := 0
			for p := range pub.Pipes() {
				if p.Stats().Send.Dropped["overflow"] > 0 {
					full++
				}
			}
			return full == pipes
		})
		begin := time.Now()
		err := pub.Close()
		took := time.Since(begin)
		busy.Wait()
		st := pub.Stats()
		if !errors.Is(err, spry.ErrUnsent) || !strings.Contains(err.Error(), fmt.Sprintf(" %d messages", st.Send.Dropped["pipe_closed"])) {
			t.Errorf("Close with full queues returned %v; want it to tell of %d unsent messages", err, st.Send.Dropped["pipe_closed"])
		}
		if testkit.Unbalanced(st) != "" || st.Send.Queued != 0 {
			t.Errorf("after Close: %s, %d queued", testkit.Unbalanced(st), st.Send.Queued)
		}
		for _, b := range peers {
			_ = b.Close()
		}
		t.Logf("T17 %s: Close with %d busy pipes took %v: %v", scheme, pipes, took.Round(time.Millisecond), err)
	}
}
