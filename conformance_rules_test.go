// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// Peers whose roles do not fit are refused by both ends, for that reason, and nothing else is harmed.
func TestWrongRoleIsRefused(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		sub := spry.NewSub(&spry.SubOptions{Options: w.options})
		_, err := sub.DialWith(ctx, testkit.DialerTo(e))
		op, ok := errors.AsType[*spry.OpError](err)
		if !ok || !errors.Is(err, spry.ErrProtocol) || op.Reason != "role_mismatch" || !strings.Contains(strings.ToLower(err.Error()), "pull") || !strings.Contains(err.Error(), e.URL()) {
			t.Errorf("a sub dialed a pull: %v; want an error that names role, endpoint and reason", err)
		}
		testkit.Eventually(t, "the listener counts it", func() bool { return pull.Stats().Rejected["role_mismatch"] == 1 })
		if n := sub.Stats().Rejected["role_mismatch"]; n != 1 {
			t.Errorf("the dialer counts %d, want 1", n)
		}
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		testkit.DialTo(t, push, e)
		carry(t, push, pull)
		testkit.Shut(t, push, pull, sub)
	})
}

// A Pair has one peer.
func TestSecondPairIsRefused(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		a, b, c := spry.NewPair(&spry.PairOptions{Options: w.options}), spry.NewPair(&spry.PairOptions{Options: w.options}), spry.NewPair(&spry.PairOptions{Options: w.options})
		e := w.listen(t, a)
		testkit.DialTo(t, b, e)
		testkit.Check(t, a.WaitPipes(testkit.Watchdog(t), 1))
		_, _ = c.DialWith(testkit.Watchdog(t), testkit.DialerTo(e)) // may learn of it only later
		testkit.Eventually(t, "the second peer is refused", func() bool { return a.Stats().Rejected["refused"] > 0 })
		carry(t, b, a)
		testkit.Shut(t, b, c, a)
	})
}

// A Push whose peer does not receive waits when the queues on the way are full, until its context ends; the message is
// unchanged, and everything accepted arrives.
func TestBackPressure(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		w.options.SendQueue, w.options.RecvQueue = 4, 4
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		w.join(t, push, pull)
		m := spry.NewMessage(0)
		accepted := 0
		for {
			_, _ = m.Write(make([]byte, 64<<10))
			ctx, cancel := context.WithTimeout(testkit.Watchdog(t), 100*time.Millisecond)
			err := push.SendMsg(ctx, m)
			cancel()
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) || m.Len() != 64<<10 {
					t.Errorf("SendMsg without room: %v, and the message has %d bytes", err, m.Len())
				}
				break
			}
			if m.Len() != 0 {
				t.Fatalf("a sent message has %d bytes, want none", m.Len())
			}
			accepted++
		}
		if accepted < 4 || accepted > 1000 {
			t.Errorf("%d messages were accepted; each queue holds 4", accepted)
		}
		for range accepted {
			_, err := pull.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
		}
		if _, err := pull.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TryRecvMsg with nothing there: %v, want ErrWouldBlock", err)
		}
		testkit.Check(t, pull.Close())
		testkit.Eventually(t, "the peer is gone", func() bool { return len(push.Stats().Pipes) == 0 })
		if err := push.TrySendMsg(m); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TrySendMsg without a peer: %v, want ErrWouldBlock", err)
		}
		testkit.Shut(t, push, pull)
	})
}

// A Push takes turns over its pipes.
func TestPushTakesTurns(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		all := []testkit.Socket{push}
		var pulls []*spry.Pull
		for range 3 {
			p := spry.NewPull(&spry.PullOptions{Options: w.options})
			w.join(t, push, p)
			pulls, all = append(pulls, p), append(all, p)
		}
		const each = 50
		for i := range 3 * each {
			testkit.Check(t, push.Send(testkit.Watchdog(t), fmt.Append(nil, i)))
		}
		for _, p := range pulls {
			for range each {
				_, err := p.Recv(testkit.Watchdog(t))
				testkit.Check(t, err)
			}
		}
		testkit.Shut(t, all...)
	})
}

// With every pipe's queue non-empty, no pipe is more than one turn of 64 messages ahead of another.
func TestReceivingIsFair(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		const pushers, each = 3, 1000
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		var all []testkit.Socket
		for i := range pushers {
			p := spry.NewPush(&spry.PushOptions{Options: w.options})
			testkit.DialTo(t, p, e)
			for range each {
				testkit.Check(t, p.Send(testkit.Watchdog(t), []byte{byte(i)}))
			}
			all = append(all, p)
		}
		testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == pushers*each })
		var got [pushers]int
		for taken := range pushers * each {
			b, err := pull.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
			got[b[0]]++
			low, high := min(got[0], got[1], got[2]), max(got[0], got[1], got[2])
			if high < each && high-low > 64 {
				t.Fatalf("after %d messages the pipes have had %v turns", taken+1, got)
			}
		}
		testkit.Shut(t, append(all, pull)...)
	})
}

// A connection that breaks is made anew, and a listener that comes back is found again.
func TestReconnect(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		w.options.Backoff = spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		d := testkit.DialTo(t, push, e)
		for range 3 {
			for p := range d.Pipes() {
				testkit.Check(t, p.Close())
				<-p.Done()
			}
			testkit.Check(t, d.Wait(ctx))
			testkit.Check(t, push.Send(ctx, []byte("again")))
			_, err := pull.Recv(ctx)
			testkit.Check(t, err)
		}
		testkit.Shut(t, push, pull)
	})
}

func TestPairPolySendsToWhomItNames(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		hub := spry.NewPairPoly(&spry.PairOptions{Options: w.options})
		e := w.listen(t, hub)
		all := []testkit.Socket{hub}
		var spokes []*spry.Pair
		for i := range 3 {
			p := spry.NewPair(&spry.PairOptions{Options: w.options})
			testkit.DialTo(t, p, e)
			testkit.Check(t, p.Send(ctx, []byte{byte(i)}))
			spokes, all = append(spokes, p), append(all, p)
		}
		for range spokes {
			m, err := hub.RecvMsg(ctx)
			testkit.Check(t, err)
			pipe := m.Pipe()
			testkit.Check(t, hub.SendTo(ctx, pipe, spry.WrapMessage([]byte{m.Bytes()[0] + 100}, nil)))
		}
		var last *spry.Pipe
		for p := range hub.Pipes() {
			last = p
		}
		for i, p := range spokes {
			got, err := p.Recv(ctx)
			testkit.Check(t, err)
			if got[0] != byte(i+100) {
				t.Errorf("spoke %d got %d", i, got[0])
			}
		}
		testkit.Check(t, last.Close())
		<-last.Done()
		if err := hub.SendTo(ctx, last, spry.NewMessage(0)); !errors.Is(err, spry.ErrPipeClosed) {
			t.Errorf("SendTo a pipe that is over: %v, want ErrPipeClosed", err)
		}
		testkit.Shut(t, all...)
	})
}
