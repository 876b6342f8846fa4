// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// Both queues say how old their oldest message is, a blocked Send is counted while it is blocked, and messages how long they waited.
func TestQueuesKnowTheirAge(t *testing.T) {
	for _, scheme := range []string{"inproc", "sim"} {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := simnet.New(1)
				o := testkit.Simulated(net)
				o.SendQueue, o.RecvQueue = 3, 3
				pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
				testkit.CloseAll(t, push, pull)
				url := scheme + "://host:1"
				_, err := pull.Listen(t.Context(), url)
				testkit.Check(t, err)
				_, err = push.Dial(t.Context(), url)
				testkit.Check(t, err)
				large := make([]byte, 1<<20) // more than a connection holds
				sent := make(chan error, 1)
				go func() {
					for range 12 {
						if err := push.Send(t.Context(), large); err != nil {
							sent <- err
							return
						}
					}
					sent <- nil
				}()
				synctest.Wait()
				_, _ = push.Stats(), pull.Stats() // which notes what was not
				time.Sleep(10 * time.Second)
				from, to := push.Stats(), pull.Stats()
				if from.Send.OldestAge != 10*time.Second || to.Recv.OldestAge != 10*time.Second || from.SendBlocked < 10*time.Second || from.SendBlocks == 0 {
					t.Errorf("ages %v and %v; blocked for %v in %d calls", from.Send.OldestAge, to.Recv.OldestAge, from.SendBlocked, from.SendBlocks)
				}
				for range 12 {
					_, err := pull.Recv(t.Context())
					testkit.Check(t, err)
				}
				testkit.Check(t, <-sent)
				synctest.Wait()
				from, to = push.Stats(), pull.Stats()
				if from.Send.OldestAge != 0 || to.Recv.OldestAge != 0 || to.QueueTime.Max() != 10*time.Second {
					t.Errorf("afterwards ages %v and %v; the longest wait was %v", from.Send.OldestAge, to.Recv.OldestAge, to.QueueTime.Max())
				}
				blocked := from.SendBlocked
				time.Sleep(time.Hour)
				if now := push.Stats().SendBlocked; now != blocked {
					t.Errorf("blocked for %v, and then for %v without a call", blocked, now)
				}
			})
		})
	}
}

// Round trips of requests and surveys are counted, a sample of the former, and outlive their pipes.
func TestRoundTripsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, rep := spry.NewReq(nil), spry.NewRep(nil)
		surveyor, respondent := spry.NewSurveyor(nil), spry.NewRespondent(nil)
		testkit.CloseAll(t, req, rep, surveyor, respondent)
		for _, meet := range []struct {
			url            string
			listens, dials *spry.Socket
		}{{"inproc://a", &rep.Socket, &req.Socket}, {"inproc://b", &respondent.Socket, &surveyor.Socket}} {
			_, err := meet.listens.Listen(t.Context(), meet.url)
			testkit.Check(t, err)
			_, err = meet.dials.Dial(t.Context(), meet.url)
			testkit.Check(t, err)
		}
		slow := spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			time.Sleep(80 * time.Millisecond)
			_ = r.Reply(ctx, nil)
		})
		go func() { _ = rep.Serve(t.Context(), 1, slow) }()
		go func() { _ = respondent.Serve(t.Context(), 1, slow) }()
		for range 64 {
			_, err := req.Do(t.Context(), nil)
			testkit.Check(t, err)
		}
		for _, err := range surveyor.Survey(t.Context(), nil) {
			testkit.Check(t, err)
			break
		}
		for s, want := range map[*spry.Socket]int64{&req.Socket: 4, &surveyor.Socket: 1} {
			h := s.Stats().RTT
			if h.Count() != want || h.Max() != 80*time.Millisecond || s.Stats().Pipes[0].RTT.Count() != want {
				t.Errorf("%v: %d round trips, the longest took %v", s, h.Count(), h.Max())
			}
		}
		testkit.Check(t, rep.Close())
		synctest.Wait()
		if h := req.Stats().RTT; h.Count() != 4 || h.Percentile(50) < 80*time.Millisecond || h.Percentile(50) > 90*time.Millisecond {
			t.Errorf("without the pipe %d round trips, and a median of %v", h.Count(), h.Percentile(50))
		}
	})
}
