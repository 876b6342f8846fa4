// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// With a peer that does not read, Close returns when Linger is over, and says exactly how many messages stayed.
func TestCloseReturnsAtLinger(t *testing.T) {
	for _, linger := range []time.Duration{-1, 3 * time.Second, 0} {
		t.Run(linger.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1)
				deaf(t, n, "deaf")
				o := testkit.Simulated(n)
				o.Linger = linger
				push := spry.NewPush(&spry.PushOptions{Options: o})
				_, err := push.Dial(t.Context(), "sim://deaf")
				testkit.Check(t, err)
				const all = 100
				for range all {
					testkit.Check(t, push.Send(t.Context(), make([]byte, 4096)))
				}
				synctest.Wait()
				taken, _ := n.Links()[0].Traffic(simnet.ToListener)
				sent := int(taken-8) / (4096 + 8) // wholly with the network, after the handshake
				want := map[time.Duration]time.Duration{-1: 0, 3 * time.Second: 3 * time.Second, 0: time.Second}[linger]
				start := time.Now()
				var op *spry.OpError
				if err := push.Close(); !errors.As(err, &op) || !errors.Is(err, spry.ErrUnsent) || op.Unsent != all-sent || sent == 0 {
					t.Errorf("Close: %v; want %d unsent messages, for %d are with the network", err, all-sent, sent)
				}
				if d := time.Since(start); d != want {
					t.Errorf("Close took %v, want %v", d, want)
				}
				st := push.Stats()
				if why := testkit.Unbalanced(st); why != "" {
					t.Error(why)
				}
			})
		})
	}
}

// What can be delivered is, however long it takes within Linger, and then Close does not wait on.
func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.ToListener, simnet.Faults{Rate: 10_000})
		pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
		_, err := pull.Listen(t.Context(), "sim://slow")
		testkit.Check(t, err)
		o := testkit.Simulated(n)
		o.Linger = time.Hour
		push := spry.NewPush(&spry.PushOptions{Options: o})
		_, err = push.Dial(t.Context(), "sim://slow")
		testkit.Check(t, err)
		for range 100 {
			testkit.Check(t, push.Send(t.Context(), make([]byte, 992)))
		}
		got := make(chan int)
		go func() {
			k := 0
			for range 100 {
				if _, err := pull.Recv(context.Background()); err != nil {
					break
				}
				k++
			}
			got <- k
		}()
		start := time.Now()
		testkit.Check(t, push.Close())
		if d := time.Since(start); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("100 kB at 10 kB/s took %v to close", d)
		}
		if k := <-got; k != 100 {
			t.Errorf("%d messages arrived, want 100", k)
		}
		testkit.Check(t, pull.Close())
	})
}

// A socket that closes and has handed everything over makes no connection any more while it waits for a slow peer.
func TestCloseDoesNotRedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.ToListener, simnet.Faults{Rate: 10_000})
		o := testkit.Simulated(n)
		o.RecvQueue = 1
		fast, slow := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		o.Linger = time.Hour
		push := spry.NewPush(&spry.PushOptions{Options: o})
		for name, pull := range map[string]*spry.Pull{"fast": fast, "slow": slow} {
			_, err := pull.Listen(t.Context(), "sim://"+name)
			testkit.Check(t, err)
			_, err = push.Dial(t.Context(), "sim://"+name)
			testkit.Check(t, err)
		}
		for range 20 {
			testkit.Check(t, push.Send(t.Context(), make([]byte, 992)))
		}
		received := make(chan error)
		receive := func(pull *spry.Pull) {
			var err error
			for range 10 {
				_, err = pull.Recv(context.Background())
			}
			received <- err
		}
		go receive(fast)
		go func() {
			time.Sleep(time.Minute)
			receive(slow)
		}()
		testkit.Check(t, push.Close())
		testkit.Check(t, errors.Join(<-received, <-received))
		for _, pull := range []*spry.Pull{fast, slow} {
			if e := pull.Stats().Endpoints[0]; e.Established != 1 {
				t.Errorf("%s had %d connections, want 1", e.URL, e.Established)
			}
		}
		testkit.Check(t, errors.Join(fast.Close(), slow.Close()))
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		deaf(t, n, "deaf")
		push := spry.NewPush(&spry.PushOptions{Options: testkit.Simulated(n)})
		_, err := push.Dial(t.Context(), "sim://deaf")
		testkit.Check(t, err)
		for range 100 {
			testkit.Check(t, push.Send(t.Context(), make([]byte, 4096)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := push.Shutdown(ctx); !errors.Is(err, spry.ErrUnsent) {
			t.Errorf("Shutdown: %v, want ErrUnsent", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("Shutdown took %v, want its context's minute", d)
		}
	})
}

// A survey ends at its deadline, without an error, and what comes later is counted.
func TestSurveyEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: testkit.Simulated(n), Deadline: 5 * time.Second})
		defer surveyor.Close()
		_, err := surveyor.Listen(t.Context(), "sim://votes")
		testkit.Check(t, err)
		for _, delay := range []time.Duration{time.Second, 2 * time.Second, 6 * time.Second} {
			r := spry.NewRespondent(&spry.RespondentOptions{Options: testkit.Simulated(n)})
			defer r.Close()
			_, err := r.Dial(t.Context(), "sim://votes")
			testkit.Check(t, err)
			go func() {
				for q := range r.Requests(context.Background()) {
					time.Sleep(delay)
					_ = q.Reply(context.Background(), []byte(delay.String()))
				}
			}()
		}
		testkit.Check(t, surveyor.WaitPipes(t.Context(), 3))
		start := time.Now()
		var answers []string
		for m, err := range surveyor.Survey(t.Context(), []byte("when?")) {
			testkit.Check(t, err)
			answers = append(answers, string(m.Bytes()))
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the survey ended after %v, want 5s", d)
		}
		if len(answers) != 2 || answers[0] != "1s" || answers[1] != "2s" {
			t.Errorf("answers %v, want 1s and 2s", answers)
		}
		time.Sleep(5 * time.Second)
		if stale := surveyor.Stats().Recv.Dropped["stale"]; stale != 1 {
			t.Errorf("%d stale answers, want the late one", stale)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		for _, err := range surveyor.Survey(ctx, nil) {
			testkit.Check(t, err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("a survey with a context of 3s ended after %v", d)
		}
		time.Sleep(time.Minute)
	})
}
