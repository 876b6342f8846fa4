// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// checkBackoff checks that each wait is within its bound, which doubles from 100 ms to 30 s, and that the waits are
// spread over it.
func checkBackoff(t *testing.T, waits []time.Duration) {
	t.Helper()
	bound, low, high := 100*time.Millisecond, 0, 0
	for i, w := range waits {
		if w < 0 || w > bound {
			t.Errorf("wait %d is %v, want at most %v", i, w, bound)
		}
		if w < bound/2 {
			low++
		} else {
			high++
		}
		bound = min(2*bound, 30*time.Second)
	}
	if low < len(waits)/5 || high < len(waits)/5 {
		t.Errorf("of %d waits %d are in the lower half of their range: they are not spread", len(waits), low)
	}
}

func TestRedialBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		o := testkit.Simulated(n)
		waits := pauses(&o)
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		_, err := push.Connect("sim://nobody")
		testkit.Check(t, err)
		time.Sleep(time.Hour)
		got := drained(waits)
		checkBackoff(t, got)
		if len(got) < 120 || len(got) > 600 {
			t.Errorf("%d attempts in an hour, want about 240 at 15 s each", len(got))
		}
	})
}

// A peer that accepts and closes at once is backed off from like one that refuses.
func TestRedialBacksOffFromPeersThatClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.AcceptThenClose("sim://flap", true)
		o := testkit.Simulated(n)
		waits := pauses(&o)
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		_, err := push.Connect("sim://flap")
		testkit.Check(t, err)
		time.Sleep(time.Hour)
		checkBackoff(t, drained(waits))
	})
}

// Only a connection that lived for 5 s makes the waits begin at their shortest again.
func TestStableConnectionResetsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
		defer pull.Close()
		_, err := pull.Listen(t.Context(), "sim://pull")
		testkit.Check(t, err)
		o := testkit.Simulated(n)
		waits := pauses(&o)
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		_, err = push.Dial(t.Context(), "sim://pull")
		testkit.Check(t, err)
		for range 12 { // connections that live for a second each
			time.Sleep(time.Second)
			n.CutAll()
			testkit.Check(t, push.WaitPipes(t.Context(), 0))
			synctest.Wait()
			testkit.Check(t, push.WaitPipes(t.Context(), 1))
		}
		unstable := drained(waits)
		checkBackoff(t, unstable)
		time.Sleep(5 * time.Second)
		n.CutAll()
		synctest.Wait()
		if w := <-waits; w > 100*time.Millisecond {
			t.Errorf("the wait after a stable connection is %v, want at most 100ms", w)
		}
	})
}

// A peer that says nothing, or a byte now and then, loses its connection when the time for the whole handshake is
// over, and is counted.
func TestHandshakeDeadline(t *testing.T) {
	for name, every := range map[string]time.Duration{"silent": 0, "trickling": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1)
				pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
				defer pull.Close()
				_, err := pull.Listen(t.Context(), "sim://pull")
				testkit.Check(t, err)
				d, err := n.Dialer(transport.URL{Scheme: "sim", Address: "pull"}, transport.DialOptions{})
				testkit.Check(t, err)
				link, err := d.Dial(t.Context())
				testkit.Check(t, err)
				conn := link.(*transport.Stream).Conn
				start := time.Now()
				var writing sync.WaitGroup
				writing.Go(func() {
					for _, b := range []byte{0, 'S', 'P', 0, 0, 0x50, 0, 0} {
						if every == 0 {
							return
						}
						if _, err := conn.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(every)
					}
				})
				buf := make([]byte, 16)
				for err == nil {
					_, err = conn.Read(buf)
				}
				if d := time.Since(start); d != 10*time.Second {
					t.Errorf("the connection ended after %v, want the handshake's 10s", d)
				}
				synctest.Wait()
				if got := pull.Stats().Rejected["timeout"]; got != 1 {
					t.Errorf("rejected %v, want one timeout", pull.Stats().Rejected)
				}
				writing.Wait()
				testkit.Check(t, conn.Close())
			})
		})
	}
}

// Dialing a peer that says nothing ends with the handshake's time, or the context's if that is shorter.
func TestDialDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		l, err := n.Listen(t.Context(), transport.URL{Scheme: "sim", Address: "mute"}, transport.ListenOptions{})
		testkit.Check(t, err)
		defer l.Close()
		push := spry.NewPush(&spry.PushOptions{Options: testkit.Simulated(n)})
		defer push.Close()
		start := time.Now()
		var op *spry.OpError
		if _, err := push.Dial(t.Context(), "sim://mute"); !errors.As(err, &op) || !op.Timeout() {
			t.Errorf("Dial: %v, want a timeout", err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("Dial failed after %v, want 10s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := push.Dial(ctx, "sim://mute"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial with a context of 1s: %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Dial failed after %v, want the context's 1s", d)
		}
	})
}

// A callback that does not heed its context does not hold up who dials.
func TestDialDoesNotWaitForItsCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
		defer pull.Close()
		testkit.ListenAt(t, pull, "sim://pull")
		o := testkit.Simulated(n)
		const busy = time.Hour
		o.Authorize = func(context.Context, *spry.Pipe) error { time.Sleep(busy); return nil }
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := push.Dial(ctx, "sim://pull"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial with a context of 1s: %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Dial failed after %v, want the context's 1s", d)
		}
		time.Sleep(busy) // the callback is at work until then
	})
}

// Two ends that both write first, over a connection whose writes wait for reads.
func TestAttachOverNetPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := net.Pipe()
		a, b := spry.NewPair(nil), spry.NewPair(nil)
		attached := make(chan error)
		go func() {
			_, err := b.Attach(context.Background(), y, nil)
			attached <- err
		}()
		_, err := a.Attach(t.Context(), x, nil)
		testkit.Check(t, err)
		testkit.Check(t, <-attached)
		testkit.Check(t, a.Send(t.Context(), []byte("hi")))
		m, err := b.Recv(t.Context())
		testkit.Check(t, err)
		if string(m) != "hi" {
			t.Errorf("got %q", m)
		}
		testkit.Check(t, a.Close())
		testkit.Check(t, b.Close())
	})
}

func TestConnectWaitsForInprocName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testkit.Private()
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		defer push.Close()
		defer pull.Close()
		_, err := push.Connect("inproc://later")
		testkit.Check(t, err)
		time.Sleep(time.Hour)
		start := time.Now()
		_, err = pull.Listen(t.Context(), "inproc://later")
		testkit.Check(t, err)
		testkit.Check(t, push.WaitPipes(t.Context(), 1))
		if d := time.Since(start); d != 0 {
			t.Errorf("connected %v after the name appeared, want at once", d)
		}
	})
}

func TestDialersBackoffIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testkit.Simulated(simnet.New(1))
		waits := pauses(&o)
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		_, err := push.DialWith(t.Context(), &spry.DialConfig{URL: "sim://x", Backoff: &spry.Backoff{Min: -1}})
		if !errors.Is(err, spry.ErrConfig) {
			t.Errorf("a negative Backoff.Min: %v, want ErrConfig", err)
		}
		_, err = push.DialWith(t.Context(), &spry.DialConfig{URL: "sim://x", Background: true, Backoff: &spry.Backoff{Max: time.Second}})
		testkit.Check(t, err)
		time.Sleep(time.Minute)
		if n := len(waits); n < 60 || n > 400 {
			t.Errorf("%d attempts in a minute with waits of up to 1s", n)
		}
	})
}

// A dial that takes long does not count as a connection that lived long.
func TestSlowDialsAreBackedOffFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{
			HandshakeTimeout: 30 * time.Second,
			Backoff:          spry.Backoff{Min: time.Millisecond, Max: time.Hour, Factor: 1000},
		}})
		events := push.Events(t.Context())
		_, err := push.DialWith(t.Context(), &spry.DialConfig{URL: "tcp://203.0.113.1:9", Background: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(10 * time.Second)
			near, far := net.Pipe()
			go func() {
				_, _ = far.Write(testkit.Header(spry.ProtocolPull))
				_, _ = io.ReadFull(far, make([]byte, 8))
				_ = far.Close() // accepts, and closes at once
			}()
			return near, nil
		}})
		testkit.Check(t, err)
		for e := range events {
			if e.Kind == spry.EventBackoff {
				if waits = append(waits, e.Wait); len(waits) == 4 {
					break
				}
			}
		}
		if longest := max(waits[1], waits[2], waits[3]); longest < 10*time.Millisecond {
			t.Errorf("the waits do not grow: %v", waits)
		}
		testkit.Check(t, push.Close())
	})
}
