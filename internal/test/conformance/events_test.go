// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A diary keeps the drops that a socket's trace is told.
type diary struct {
	mu  sync.Mutex
	all []spry.Event
}

func (d *diary) trace(v spry.Event) {
	if v.Kind != spry.EventDrop {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, v)
}

// dropped is the sum of what was told to be dropped for a reason.
func (d *diary) dropped(reason spry.Reason) (n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.all {
		if v.Reason == reason {
			n += v.Count
		}
	}
	return n
}

// The events of dropped messages have the sums of the statistics.
func TestDropsAreReported(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		var traced diary
		mine := l.options
		mine.Trace, mine.RecvQueue = traced.trace, 4
		pub := spry.NewPub(&spry.PubOptions{Options: l.options})
		sub := spry.NewSub(&spry.SubOptions{Options: mine, Overflow: spry.DropNewest})
		testkit.Check(t, sub.Subscribe("a"))
		l.join(t, sub, pub)
		testkit.Check(t, pub.WaitSubscribers(ctx, "a", 1))
		const all = 1000
		for range all {
			testkit.Check(t, pub.Send(ctx, []byte("a")))
			testkit.Check(t, pub.Send(ctx, []byte("b")))
		}
		testkit.Eventually(t, "all have come", func() bool { s := sub.Stats().Recv; return s.Filtered+s.Arrived == 2*all })
		s := sub.Stats().Recv
		if s.Filtered != all || s.Queued != 4 || s.Dropped["overflow"] != all-4 || testkit.Sum(s.Dropped) != all-4 {
			t.Errorf("the counters say %+v", s)
		}
		testkit.Shut(t, pub, sub)
		s = sub.Stats().Recv
		if s.Dropped["closed"] != 4 || s.Arrived != all {
			t.Errorf("after Close the counters say %+v", s)
		}
		for reason, n := range s.Dropped { // the hook may still be at it: Close does not wait for callbacks, which may call it
			testkit.Eventually(t, "drops for "+string(reason)+" are reported", func() bool { return traced.dropped(reason) >= n })
			if reported := traced.dropped(reason); reported != n {
				t.Errorf("%d messages were reported as dropped for %s, and the counters say %d", reported, reason, n)
			}
		}
	})
}

// Events end with their context, and who does not keep up is told how many were missed.
func TestEventsEndAndMiss(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx, cancel := context.WithCancel(testkit.Watchdog(t))
		quick(&l.options)
		pull := spry.NewPull(&spry.PullOptions{Options: l.options})
		first, slow := pull.Events(ctx), pull.Events(testkit.Watchdog(t))
		ended := make(chan int, 1)
		go func() {
			reported := 0
			for range first {
				reported++
			}
			ended <- reported
		}()
		const pipes = 200 // two events each, and 256 wait
		for range pipes {
			push := spry.NewPush(&spry.PushOptions{Options: l.options})
			l.join(t, push, pull)
			for p := range pull.Pipes() {
				testkit.Check(t, p.Close())
				<-p.Done()
			}
			testkit.Check(t, push.Close())
		}
		cancel()
		if reported := <-ended; reported == 0 {
			t.Error("nothing was reported until the context's end")
		}
		testkit.Shut(t, pull)
		reported, missed := uint64(0), uint64(0)
		for v := range slow {
			reported, missed = reported+1, missed+v.Missed
		}
		if reported == 0 || reported > 257 || missed != 0 && reported != 256 {
			t.Errorf("%d events, %d missed before them", reported, missed)
		}
	})
}

// The result of Events can be looped over again, until the socket is closed.
func TestEventsGoOn(t *testing.T) {
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	events := pull.Events(testkit.Watchdog(t))
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	for e := range events {
		if e.Kind == spry.EventPipeUp {
			break
		}
	}
	testkit.Check(t, push.Close())
	enough, churned := make(chan struct{}), make(chan error, 1)
	e := testkit.ListenOn(t, pull, "tcp")
	go func() { churned <- churn(e, enough) }()
	for range events {
		break
	}
	close(enough)
	testkit.Check(t, <-churned)
	testkit.Check(t, pull.Close())
	for e := range events {
		t.Errorf("%v after the end", e.Kind)
	}
}

// churn makes pipes come and go until it is enough.
func churn(e *spry.Endpoint, enough <-chan struct{}) error {
	for {
		select {
		case <-enough:
			return nil
		default:
		}
		push := spry.NewPush(nil)
		_, err := push.DialWith(context.Background(), testkit.DialerTo(e))
		if err := errors.Join(err, push.Close()); err != nil {
			return err
		}
	}
}

// Endpoints, pipes and events say what they are, in formats and in logs.
func TestTextsOfEndpointsPipesAndEvents(t *testing.T) {
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	events, stop := iter.Pull(push.Events(ctx))
	defer stop()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	d, err := push.Dial(ctx, e.URL())
	testkit.Check(t, err)
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	want(fmt.Sprint(e), "listener "+e.URL())
	want(fmt.Sprint(d), "dialer "+e.URL())
	want(fmt.Sprint((*spry.Endpoint)(nil), (*spry.Pipe)(nil)), "no endpoint no pipe")
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for up := false; !up; {
		v, _ := events()
		if up = v.Kind == spry.EventPipeUp; up {
			peer := v.RemoteAddr.String()
			want(fmt.Sprint(v.Pipe), fmt.Sprintf("pipe %d (push to pull at %s)", v.Pipe.ID(), peer))
			logger.Info("seen", "event", v)
			_, got, _ := strings.Cut(strings.TrimSpace(log.String()), "msg=")
			want(got, fmt.Sprintf("seen event.event=pipe_up event.endpoint=%s event.pipe=%d event.peer=%s", d.URL(), v.Pipe.ID(), peer))
		}
	}
	testkit.Check(t, push.Close())
	testkit.Check(t, pull.Close())
}
