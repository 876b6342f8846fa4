// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Books are one pair of sockets at work, and what the application itself has counted.
type workload struct {
	name         string
	a, b         testkit.End
	toB, toA     atomic.Uint64 // received by the application
	accepted     atomic.Uint64 // sends of a that returned nil
	acceptedBack atomic.Uint64
	answers      atomic.Uint64 // replies that a request or survey got
}

// newWorkload opens a pair of sockets of a kind, over a scheme, with queues that are often full.
func newWorkload(t *testing.T, kind int, scheme string) *workload {
	o := spry.Options{Linger: -1, SendQueue: 8, RecvQueue: 4, Backoff: spry.Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond}}
	k := &workload{name: kinds[kind] + " over " + scheme}
	k.a, k.b = testkit.Pair(kind, o)
	if kind == 2 || kind == 3 {
		k.countRequests()
	}
	_, err := k.a.DialWith(testkit.Watchdog(t), testkit.DialerTo(testkit.ListenOn(t, k.b, scheme)))
	testkit.Check(t, err)
	return k
}

var kinds = [...]string{"push, pull", "pub, sub", "req, rep", "surveyor, respondent", "pair", "bus"}

// countRequests replaces the verbs of sockets that ask and answer by ones that count.
func (k *workload) countRequests() {
	body := []byte("request")
	switch a := k.a.Socket.(type) {
	case *spry.Req:
		k.a.Send = func(ctx context.Context) error {
			_, err := a.Do(ctx, body)
			if err == nil {
				k.answers.Add(1)
			}
			return err
		}
	case *spry.Surveyor:
		k.a.Send = func(ctx context.Context) error {
			for _, err := range a.Survey(ctx, body) {
				if err != nil {
					return err
				}
				k.answers.Add(1)
			}
			return nil
		}
	}
	answering := k.b.Socket.(interface {
		Recv(context.Context) (*spry.Request, error)
	})
	k.b.Recv = func(ctx context.Context) error {
		r, err := answering.Recv(ctx)
		if err != nil {
			return err
		}
		k.toB.Add(1)
		_ = r.Reply(ctx, body) // the pipe may be over
		return nil
	}
}

// work keeps the sockets busy until ctx ends or they are closed.
func (k *workload) work(ctx context.Context, all *sync.WaitGroup) {
	loop := func(f func(context.Context) error, count *atomic.Uint64) {
		if f == nil {
			return
		}
		all.Go(func() {
			for i := 0; ; i++ {
				err := f(ctx)
				switch {
				case errors.Is(err, spry.ErrClosed) || ctx.Err() != nil && err != nil:
					return
				case err == nil && count != nil:
					count.Add(1)
				}
				if i%16 == 0 {
					time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
				}
				if ctx.Err() != nil {
					return
				}
			}
		})
	}
	if k.asks() {
		loop(k.a.Send, nil)
		loop(k.b.Recv, nil)
		return
	}
	loop(k.a.Send, &k.accepted)
	loop(k.b.Send, &k.acceptedBack)
	loop(k.a.Recv, &k.toA)
	loop(k.b.Recv, &k.toB)
}

// asks reports whether the sockets count for themselves.
func (k *workload) asks() bool {
	_, req := k.a.Socket.(*spry.Req)
	_, survey := k.a.Socket.(*spry.Surveyor)
	return req || survey
}

// atRest compares the figures of closed sockets with what the application counted.
func (k *workload) atRest(t *testing.T) {
	t.Helper()
	a, b := k.a.Stats(), k.b.Stats()
	for _, st := range []spry.Stats{a, b} {
		if why := testkit.Unbalanced(st); why != "" || st.Send.Queued+st.Recv.Queued > 0 || len(st.Pipes) > 0 || st.Pending > 0 {
			t.Errorf("%s at rest: %s; %+v", k.name, why, st)
		}
	}
	if a.Recv.Delivered != k.toA.Load()+k.answers.Load() || b.Recv.Delivered != k.toB.Load() {
		t.Errorf("%s: delivered %d and %d; the application received %d and %d",
			k.name, a.Recv.Delivered, b.Recv.Delivered, k.toA.Load()+k.answers.Load(), k.toB.Load())
	}
	// Nothing arrives that was not sent; a request or survey has an answer at most.
	if b.Recv.Arrived+b.Recv.Filtered > a.Send.Sent || a.Recv.Arrived+a.Recv.Filtered > b.Send.Sent {
		t.Errorf("%s: arrived %d of %d sent, and back %d of %d", k.name, b.Recv.Arrived, a.Send.Sent, a.Recv.Arrived, b.Send.Sent)
	}
	switch k.a.Socket.(type) {
	case *spry.Push: // what came back was offered again, or was lost when the socket closed
		if n := a.Send.Offered; n < k.accepted.Load() || n-a.Send.Returned > k.accepted.Load() {
			t.Errorf("%s: offered %d, of which %d came back; the application sent %d", k.name, n, a.Send.Returned, k.accepted.Load())
		}
	case *spry.Pair:
		if a.Send.Offered != k.accepted.Load() || b.Send.Offered != k.acceptedBack.Load() {
			t.Errorf("%s: offered %d and %d; the application sent %d and %d", k.name, a.Send.Offered, b.Send.Offered, k.accepted.Load(), k.acceptedBack.Load())
		}
	}
}

// The conservation law holds in every snapshot: under load, with queues that overflow, pipes that are closed and
// dialed anew, and sockets that close. At rest, the figures are what the application counted itself.
func TestCountersBalance(t *testing.T) {
	leak.Check(t)
	const snapshots, wanted = 10_000, 6 * 3
	ctx, stop := context.WithCancel(testkit.Watchdog(t))
	defer stop()
	var all []*workload
	var working sync.WaitGroup
	for kind := range kinds {
		for _, scheme := range []string{"inproc", "ipc", "tcp"} {
			k := newWorkload(t, kind, scheme)
			all = append(all, k)
			k.work(ctx, &working)
		}
	}
	closed := 0
	for taken := range snapshots {
		k := all[rand.IntN(len(all))]
		s := k.a
		if taken%2 == 0 {
			s = k.b
		}
		st := s.Stats()
		if why := testkit.Unbalanced(st); why != "" {
			t.Fatalf("snapshot %d, %s: %s", taken, k.name, why)
		}
		if taken%20 == 0 {
			time.Sleep(time.Millisecond) // for the others to work: what is asserted does not depend on it
		}
		if taken%50 == 0 { // a connection ends, its dialer makes another
			for p := range s.Socket.(interface{ Pipes() iter.Seq[*spry.Pipe] }).Pipes() {
				_ = p.Close()
			}
		}
		if taken > snapshots*3/4 && taken%(snapshots/4/wanted) == 0 && closed < len(all)/2 { // and some sockets close, under load
			_ = all[closed*2].a.Close()
			closed++
		}
	}
	stop()
	for _, k := range all {
		_ = k.a.Close()
		_ = k.b.Close()
	}
	working.Wait()
	var messages uint64
	for _, k := range all {
		k.atRest(t)
		messages += k.toA.Load() + k.toB.Load() + k.answers.Load()
	}
	t.Logf("conservation law: %d snapshots of %d sockets of 6 patterns over 3 transports balance; %d messages counted by the application too", snapshots, 2*len(all), messages)
}
