// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A tally counts how often each of n numbered messages came.
type tally struct {
	seen  []atomic.Int32
	total atomic.Int64
}

func newTally(n int) *tally { return &tally{seen: make([]atomic.Int32, n)} }

func jobNumber(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }

func (c *tally) add(body []byte) int {
	i := int(binary.BigEndian.Uint32(body))
	c.seen[i].Add(1)
	c.total.Add(1)
	return i
}

// once fails unless each message came exactly once.
func (c *tally) once(t *testing.T) {
	t.Helper()
	lost, twice := 0, 0
	for i := range c.seen {
		switch n := c.seen[i].Load(); {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	if lost+twice > 0 {
		t.Errorf("of %d messages %d were lost and %d came twice", len(c.seen), lost, twice)
	}
}

// drained checks that nothing was left.
func drainedAll(t *testing.T, r spry.DrainReport, err error) {
	t.Helper()
	testkit.Check(t, err)
	if r.Left != 0 || r.Unanswered != 0 || r.Cut != 0 {
		t.Errorf("drained with %+v", r)
	}
}

func TestDrainLosesNoJob(t *testing.T) {
	for _, listening := range []string{"senders", "workers"} {
		for queues, n := range map[int]int{1: testkit.Figure(3_000, 10_000), 0: testkit.Figure(10_000, 30_000)} { // small queues are slow
			t.Run(fmt.Sprintf("%s listen, queues of %d", listening, queues), func(t *testing.T) {
				overEveryWire(t, func(t *testing.T, w wireUnderTest) {
					w.options.SendQueue, w.options.RecvQueue = queues, queues
					drainOneOfTwoWorkers(t, w, n, listening == "workers")
				})
			})
		}
	}
}

// drainOneOfTwoWorkers has three senders send n jobs to two workers, of which the first drains in the middle.
func drainOneOfTwoWorkers(t *testing.T, w wireUnderTest, n int, workersListen bool) {
	ctx := testkit.Watchdog(t)
	var pushes []*spry.Push
	for range 3 {
		pushes = append(pushes, spry.NewPush(&spry.PushOptions{Options: w.options}))
	}
	leaver, stayer := spry.NewPull(&spry.PullOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
	for _, p := range pushes {
		for _, q := range []*spry.Pull{leaver, stayer} {
			if workersListen {
				w.join(t, p, q)
			} else {
				w.join(t, q, p)
			}
		}
	}
	for _, p := range pushes {
		testkit.Check(t, p.WaitPipes(ctx, 2))
	}
	done := newTally(n)
	var working, sending, draining sync.WaitGroup
	work := func(q *spry.Pull, each func(soFar int)) {
		got := 0
		for m, err := range q.Messages(ctx) {
			testkit.Check(t, err)
			done.add(m.Bytes())
			m.Release()
			got++
			each(got)
		}
	}
	working.Go(func() {
		work(leaver, func(soFar int) {
			if soFar == n/10 {
				draining.Go(func() {
					r, err := leaver.Drain(ctx)
					drainedAll(t, r, err)
				})
			}
		})
	})
	working.Go(func() { work(stayer, func(int) {}) })
	for i, p := range pushes {
		sending.Go(func() {
			for k := i; k < n; k += len(pushes) {
				testkit.Check(t, p.Send(ctx, jobNumber(k)))
			}
			testkit.Check(t, p.Flush(ctx))
		})
	}
	sending.Wait()
	testkit.Eventually(t, "all jobs are done", func() bool { return done.total.Load() >= int64(n) })
	draining.Wait()
	r, err := leaver.Drain(ctx)
	drainedAll(t, r, err) // the first one's report
	for _, p := range pushes {
		if d := p.Stats().Send.Dropped; testkit.Sum(d) > 0 {
			t.Errorf("a sender dropped %v", d)
		}
		testkit.Check(t, p.Close())
	}
	testkit.Check(t, stayer.Close())
	working.Wait()
	done.once(t)
	testkit.Check(t, leaver.Close())
}

func TestDrainAnswersWhatItOwes(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		n := testkit.Figure(2_000, 20_000)
		reqs := []*spry.Req{spry.NewReq(&spry.ReqOptions{Options: w.options}), spry.NewReq(&spry.ReqOptions{Options: w.options})}
		leaver, stayer := spry.NewRep(&spry.RepOptions{Options: w.options}), spry.NewRep(&spry.RepOptions{Options: w.options})
		for _, q := range reqs {
			w.join(t, q, leaver)
			w.join(t, stayer, q)
			testkit.Check(t, q.WaitPipes(ctx, 2))
		}
		executed := newTally(n)
		var handling, calling, draining sync.WaitGroup
		var unanswered atomic.Int64
		var once sync.Once
		serve := func(rep *spry.Rep, leaves bool) {
			handling.Go(func() {
				testkit.Check(t, rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
					i := executed.add(r.Bytes())
					if leaves && i >= n/4 {
						once.Do(func() {
							draining.Go(func() {
								r, err := rep.Drain(context.WithoutCancel(ctx))
								drainedAll(t, r, err)
							})
						})
					}
					testkit.Check(t, ctx.Err())
					if err := r.Reply(ctx, r.Bytes()); errors.Is(err, spry.ErrPipeClosed) {
						unanswered.Add(1)
					} else {
						testkit.Check(t, err)
					}
				})))
			})
		}
		serve(leaver, true)
		serve(stayer, false)
		var next atomic.Int64
		for _, q := range reqs {
			for range 16 {
				calling.Go(func() {
					for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
						if got, err := q.Do(ctx, jobNumber(i)); err != nil || string(got) != string(jobNumber(i)) {
							t.Errorf("request %d: %x, %v", i, got, err)
							return
						}
					}
				})
			}
		}
		calling.Wait()
		draining.Wait()
		if extra := executed.total.Load() - int64(n); extra > unanswered.Load() {
			t.Errorf("%d requests were executed twice although %d could not be answered", extra, unanswered.Load())
		}
		testkit.Shut(t, reqs[0], reqs[1], stayer, leaver)
		handling.Wait()
	})
}

func TestDrainOfAPair(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		n := testkit.Figure(2_000, 10_000)
		leaver, peer := spry.NewPair(&spry.PairOptions{Options: w.options}), spry.NewPair(&spry.PairOptions{Options: w.options})
		w.join(t, peer, leaver)
		testkit.Check(t, leaver.WaitPipes(ctx, 1))
		for i := range 100 {
			testkit.Check(t, leaver.Send(ctx, jobNumber(i)))
		}
		until, stop := context.WithCancel(ctx)
		var accepted, got int
		var sending, receiving sync.WaitGroup
		sending.Go(func() {
			for ; accepted < n && peer.Send(until, jobNumber(accepted)) == nil; accepted++ {
			}
		})
		receiving.Go(func() {
			for m, err := range leaver.Messages(ctx) {
				testkit.Check(t, err)
				if i := int(binary.BigEndian.Uint32(m.Bytes())); i != got {
					t.Errorf("message %d instead of %d", i, got)
					return
				}
				if got++; got == n/10 {
					receiving.Go(func() {
						r, err := leaver.Drain(ctx)
						drainedAll(t, r, err)
					})
				}
			}
		})
		receiving.Wait()
		stop()
		sending.Wait()
		if accepted != got {
			t.Errorf("%d messages were accepted and %d delivered; the peer: %+v", accepted, got, peer.Stats().Send)
		}
		for i := range 100 {
			b, err := peer.Recv(ctx)
			testkit.Check(t, err)
			if int(binary.BigEndian.Uint32(b)) != i {
				t.Errorf("the peer got %x instead of %d", b, i)
			}
		}
		if err := leaver.Send(ctx, nil); !errors.Is(err, spry.ErrClosed) {
			t.Errorf("send after Drain: %v", err)
		}
		testkit.Shut(t, leaver, peer)
	})
}

func TestDrainOfASubscriber(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		n := testkit.Figure(2_000, 10_000)
		pub := spry.NewPub(&spry.PubOptions{Options: w.options, Overflow: spry.Block})
		leaver := spry.NewSub(&spry.SubOptions{Options: w.options, Overflow: spry.Block})
		stayer := spry.NewSub(&spry.SubOptions{Options: w.options, Overflow: spry.Block})
		testkit.Check(t, errors.Join(leaver.Subscribe(""), stayer.Subscribe("")))
		w.join(t, leaver, pub)
		w.join(t, stayer, pub)
		testkit.Check(t, pub.WaitSubscribers(ctx, "", 2))
		var receiving sync.WaitGroup
		receive := func(s *spry.Sub, each func(soFar int)) (got int) {
			for m, err := range s.Messages(ctx) {
				testkit.Check(t, err)
				if i := int(binary.BigEndian.Uint32(m.Bytes())); i != got {
					t.Errorf("message %d instead of %d", i, got)
				}
				got++
				each(got)
			}
			return got
		}
		var left, all int
		receiving.Go(func() {
			left = receive(leaver, func(soFar int) {
				if soFar == n/10 {
					receiving.Go(func() {
						r, err := leaver.Drain(ctx)
						drainedAll(t, r, err)
					})
				}
			})
		})
		received := make(chan struct{})
		receiving.Go(func() {
			all = receive(stayer, func(soFar int) {
				if soFar == n {
					close(received)
				}
			})
		})
		for i := range n {
			testkit.Check(t, pub.Send(ctx, jobNumber(i)))
		}
		<-received
		testkit.Eventually(t, "the subscriber has gone", func() bool { return len(pub.Stats().Pipes) == 1 })
		testkit.Check(t, stayer.Close())
		receiving.Wait()
		testkit.Shut(t, pub, leaver)
		st := pub.Stats().Send
		if testkit.Sum(st.Dropped) > 0 || int(st.Sent) != left+all || all != n {
			t.Errorf("the publisher sent %d and dropped %v; its subscribers received %d and %d", st.Sent, st.Dropped, left, all)
		}
	})
}

func TestDrainOfARespondent(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: w.options, Deadline: testkit.Patience})
		r := spry.NewRespondent(&spry.RespondentOptions{Options: w.options})
		w.join(t, s, r)
		testkit.Check(t, s.WaitPipes(ctx, 1))
		var handling, draining sync.WaitGroup
		handling.Go(func() {
			testkit.Check(t, r.Serve(ctx, 1, spry.HandlerFunc(func(_ context.Context, q *spry.Request) {
				draining.Go(func() {
					r, err := r.Drain(ctx)
					drainedAll(t, r, err)
				})
				testkit.Eventually(t, "draining has begun", func() bool { _, err := r.Listen(ctx, "inproc://late"); return errors.Is(err, spry.ErrClosed) })
				testkit.Check(t, q.Reply(ctx, []byte("answer")))
			})))
		})
		for m, err := range s.Survey(ctx, []byte("?")) {
			testkit.Check(t, err)
			if string(m.Bytes()) != "answer" {
				t.Errorf("answer %q", m.Bytes())
			}
			break
		}
		draining.Wait()
		handling.Wait()
		testkit.Shut(t, s, r)
	})
}

func TestHandleFinishesWhatItBegan(t *testing.T) {
	leak.Check(t)
	type key struct{}
	ctx := testkit.Watchdog(t)
	rep, req := spry.NewRep(nil), spry.NewReq(&spry.ReqOptions{Retry: -1})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "tcp"))
	within, stop := context.WithCancel(context.WithValue(ctx, key{}, "value"))
	began, handled := make(chan struct{}), make(chan error, 1)
	go func() {
		handled <- rep.Serve(within, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			close(began)
			<-within.Done()
			if ctx.Err() != nil || ctx.Value(key{}) != "value" {
				t.Errorf("the handler's ctx ended with that of Handle: %v; its value is %v", ctx.Err(), ctx.Value(key{}))
			}
			testkit.Check(t, r.Reply(ctx, []byte("done")))
		}))
	}()
	go func() { <-began; stop() }()
	got, err := req.Do(ctx, []byte("job"))
	testkit.Check(t, err)
	if string(got) != "done" {
		t.Errorf("reply %q", got)
	}
	if err := <-handled; !errors.Is(err, context.Canceled) {
		t.Errorf("Handle: %v", err)
	}
	testkit.Shut(t, req, rep)
}

func TestDrainsContextEndsHandlers(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	rep, req := spry.NewRep(nil), spry.NewReq(&spry.ReqOptions{Retry: -1})
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "tcp"))
	within, stop := context.WithCancel(ctx)
	began, handled := make(chan struct{}), make(chan error, 1)
	go func() {
		handled <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, _ *spry.Request) {
			close(began)
			<-ctx.Done()
		}))
	}()
	call, err := req.Start(spry.NewMessage(0))
	testkit.Check(t, err)
	go func() { <-began; stop() }()
	<-began
	r, err := rep.Drain(within)
	if !errors.Is(err, context.Canceled) || r.Unanswered != 1 || r.Cut != 1 {
		t.Errorf("Drain: %+v, %v", r, err)
	}
	testkit.Check(t, <-handled)
	if _, err := call.Wait(ctx); !errors.Is(err, spry.ErrPipeClosed) {
		t.Errorf("the call: %v", err)
	}
	testkit.Shut(t, req, rep)
}

func TestDrainReportsWhatIsLeft(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	for i := range 100 {
		testkit.Check(t, push.Send(ctx, jobNumber(i)))
	}
	testkit.Eventually(t, "all have arrived", func() bool { return pull.Stats().Recv.Queued == 100 })
	for range 30 { // in the middle of a turn
		_, err := pull.Recv(ctx)
		testkit.Check(t, err)
	}
	within, stop := context.WithCancel(ctx)
	var draining sync.WaitGroup
	draining.Go(func() {
		r, err := pull.Drain(within)
		if !errors.Is(err, context.Canceled) || r.Delivered != 10 || r.Left != 60 {
			t.Errorf("Drain: %+v, %v", r, err)
		}
	})
	testkit.Eventually(t, "draining has begun", func() bool { _, err := pull.Listen(ctx, "inproc://late"); return errors.Is(err, spry.ErrClosed) })
	testkit.Eventually(t, "the peer has ended its direction", func() bool { return len(push.Stats().Pipes) == 0 })
	for i := range 10 {
		b, err := pull.Recv(ctx)
		testkit.Check(t, err)
		if int(binary.BigEndian.Uint32(b)) != 30+i {
			t.Errorf("message %x instead of %d", b, 30+i)
		}
	}
	stop()
	draining.Wait()
	if st := pull.Stats(); st.Recv.Dropped["closed"] != 60 || testkit.Unbalanced(st) != "" {
		t.Errorf("figures: %+v %s", st.Recv, testkit.Unbalanced(st))
	}
	if _, err := pull.Recv(ctx); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Recv: %v", err)
	}
	testkit.Shut(t, push, pull)
}

func TestDrainAndClose(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	testkit.Check(t, push.Send(ctx, jobNumber(1)))
	testkit.Eventually(t, "it has arrived", func() bool { return pull.Stats().Recv.Queued == 1 })
	var draining sync.WaitGroup
	for range 2 {
		draining.Go(func() {
			r, err := pull.Drain(ctx)
			if !errors.Is(err, spry.ErrClosed) || r.Left != 1 {
				t.Errorf("Drain of a socket that is closed meanwhile: %+v, %v", r, err)
			}
		})
	}
	testkit.Eventually(t, "draining has begun", func() bool { _, err := pull.Listen(ctx, "inproc://late"); return errors.Is(err, spry.ErrClosed) })
	testkit.Check(t, pull.Close())
	draining.Wait()

	closed := spry.NewPull(nil)
	testkit.Check(t, closed.Close())
	if _, err := closed.Drain(ctx); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Drain after Close: %v", err)
	}
	idle := spry.NewRep(nil)
	r, err := idle.Drain(ctx)
	drainedAll(t, r, err)
	testkit.Check(t, push.Close())
}
