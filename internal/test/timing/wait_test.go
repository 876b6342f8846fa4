// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// cancelled calls f with a context that is cancelled after a second, and checks that it ends with that.
func cancelled(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	start := time.Now()
	if err := f(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v, want the context's end", what, err)
	}
	if d := time.Since(start); d != time.Second {
		t.Errorf("%s took %v, want 1s", what, d)
	}
}

// Whatever can wait ends with its context, at once.
func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, pull := spry.NewPush(nil), spry.NewPull(nil)
		defer push.Close()
		defer pull.Close()
		cancelled(t, "Send without a peer", func(ctx context.Context) error { return push.Send(ctx, nil) })
		cancelled(t, "SendBatch without a peer", func(ctx context.Context) error {
			_, err := push.SendBatch(ctx, []*spry.Message{spry.NewMessage(0)})
			return err
		})
		cancelled(t, "SendBodies without a peer", func(ctx context.Context) error {
			_, err := push.SendBodies(ctx, [][]byte{nil})
			return err
		})
		cancelled(t, "Recv", func(ctx context.Context) error { _, err := pull.Recv(ctx); return err })
		cancelled(t, "RecvBatch", func(ctx context.Context) error {
			_, err := pull.RecvBatch(ctx, make([]*spry.Message, 3))
			return err
		})
		cancelled(t, "Messages", func(ctx context.Context) (last error) {
			for _, err := range pull.Messages(ctx) {
				last = err
			}
			return last
		})
		cancelled(t, "Bodies", func(ctx context.Context) (last error) {
			for _, err := range pull.Bodies(ctx) {
				last = err
			}
			return last
		})
		cancelled(t, "WaitPipes", func(ctx context.Context) error { return push.WaitPipes(ctx, 1) })
		req := spry.NewReq(nil)
		defer req.Close()
		cancelled(t, "Do without a peer", func(ctx context.Context) error { _, err := req.Do(ctx, nil); return err })
	})
}

// Close wakes whoever waits, with ErrClosed.
func TestWaitingEndsWithTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, pull, req := spry.NewPush(nil), spry.NewPull(nil), spry.NewReq(nil)
		ended := make(chan error, 4)
		go func() { ended <- push.Send(context.Background(), nil) }()
		go func() { ended <- push.WaitPipes(context.Background(), 1) }()
		go func() { _, err := pull.Recv(context.Background()); ended <- err }()
		go func() { _, err := req.Do(context.Background(), nil); ended <- err }()
		time.Sleep(time.Hour)
		start := time.Now()
		for _, s := range []interface{ Close() error }{push, pull, req} {
			if err := s.Close(); err != nil {
				t.Errorf("Close of a socket with nothing to send: %v", err)
			}
		}
		for range 4 {
			if err := <-ended; !errors.Is(err, spry.ErrClosed) {
				t.Errorf("a call that waited: %v", err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("closing took %v", d)
		}
	})
}

// The pressure of a receiver that does not receive reaches the sender, who waits; nothing is lost, and every message
// makes room for one.
func TestBackPressureInTime(t *testing.T) {
	for _, scheme := range append(simnet.New(1).Schemes(), "inproc") {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1)
				o := testkit.Private()
				o.Transports, o.RecvQueue, o.SendQueue, o.Linger = testkit.Simulated(n).Transports, 10, 10, -1
				push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
				defer push.Close()
				defer pull.Close()
				_, err := pull.Listen(t.Context(), scheme+"://pull")
				testkit.Check(t, err)
				_, err = push.Dial(t.Context(), scheme+"://pull")
				testkit.Check(t, err)
				const all, size = 400, 1024
				sent, done := 0, make(chan struct{})
				go func() {
					defer close(done)
					for i := range all {
						body := make([]byte, size)
						copy(body, fmt.Sprintf("%04d", i))
						if err := push.Send(context.Background(), body); err != nil {
							t.Error(err)
							return
						}
						sent++
					}
				}()
				time.Sleep(time.Hour)
				synctest.Wait()
				// Both queues, two windows of the network, a read that waits and a batch that is being written.
				if most := 10 + 10 + 2*64 + 256 + 10; sent < 10 || sent > min(most, all-1) {
					t.Fatalf("%d messages were sent to one who receives none", sent)
				}
				stuck := sent
				for i := range all {
					b, err := pull.Recv(t.Context())
					testkit.Check(t, err)
					if string(b[:4]) != fmt.Sprintf("%04d", i) {
						t.Fatalf("message %d is %s", i, b[:4])
					}
					time.Sleep(time.Second)
				}
				<-done
				t.Logf("%s: the sender waits after %d messages", scheme, stuck)
				for _, st := range []spry.Stats{push.Stats(), pull.Stats()} {
					if why := testkit.Unbalanced(st); why != "" || testkit.Sum(st.Send.Dropped)+testkit.Sum(st.Recv.Dropped) > 0 {
						t.Error(why, st.Send.Dropped, st.Recv.Dropped)
					}
				}
			})
		})
	}
}

// What a broken connection did not take goes to the next peer first, in order, before what was sent later.
func TestUnsentMessagesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		deaf(t, n, "deaf")
		push := spry.NewPush(&spry.PushOptions{Options: testkit.Simulated(n)})
		defer push.Close()
		_, err := push.Dial(t.Context(), "sim://deaf")
		testkit.Check(t, err)
		const first, second = 200, 50
		body := func(i int) []byte { return append([]byte(fmt.Sprintf("%04d", i)), make([]byte, 1020)...) }
		for i := range first {
			testkit.Check(t, push.Send(t.Context(), body(i)))
		}
		synctest.Wait()
		taken, _ := n.Links()[0].Traffic(simnet.ToListener)
		lost := int(taken-8) / (1024 + 8) // whole messages that are with the network
		n.Refuse("sim://deaf", true)
		n.CutAll()
		synctest.Wait()
		late := make(chan struct{})
		go func() { // waits, for the others stand before these
			defer close(late)
			for i := range second {
				if err := push.Send(context.Background(), body(first+i)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		time.Sleep(time.Hour)
		pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
		defer pull.Close()
		_, err = pull.Listen(t.Context(), "sim://pull")
		testkit.Check(t, err)
		_, err = push.Dial(t.Context(), "sim://pull")
		testkit.Check(t, err)
		for want := lost; want < first+second; want++ {
			b, err := pull.Recv(t.Context())
			testkit.Check(t, err)
			if string(b[:4]) != fmt.Sprintf("%04d", want) {
				t.Fatalf("message %s came, want %04d", b[:4], want)
			}
		}
		<-late
		if lost == 0 || lost == first {
			t.Fatalf("%d of %d messages were with the network: this test tests nothing", lost, first)
		}
		st := push.Stats()
		if why := testkit.Unbalanced(st); why != "" || st.Send.Returned != uint64(first-lost) {
			t.Errorf("%s %d messages were returned, want %d", why, st.Send.Returned, first-lost)
		}
	})
}

// A peer that goes silent without an end holds its own messages only; the others go on, and after the silence all
// arrives.
func TestHalfOpenPeerDelaysNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		o := testkit.Simulated(n)
		o.SendQueue = 20
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		got := make(map[string]int)
		received := make(chan string, 10_000)
		for _, name := range []string{"a", "b", "silent"} {
			pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
			defer pull.Close()
			_, err := pull.Listen(t.Context(), "sim://"+name)
			testkit.Check(t, err)
			_, err = push.Dial(t.Context(), "sim://"+name)
			testkit.Check(t, err)
			go func() {
				for range pull.Messages(context.Background()) {
					received <- name
				}
			}()
		}
		for _, l := range n.Links() {
			if l.Address() == "sim://silent" {
				l.Partition(simnet.Both, true)
			}
		}
		const all = 1000
		start := time.Now()
		for range all {
			testkit.Check(t, push.Send(t.Context(), make([]byte, 1024)))
			synctest.Wait()
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("sending took %v with a silent peer among three", d)
		}
		for _, name := range drained(received) {
			got[name]++
		}
		if got["silent"] != 0 || got["a"] < 100 || got["b"] < 100 {
			t.Errorf("in the silence arrived %v", got)
		}
		n.Partition(false)
		synctest.Wait()
		for _, name := range drained(received) {
			got[name]++
		}
		if got["silent"] == 0 || got["a"]+got["b"]+got["silent"] != all {
			t.Errorf("after the silence %v arrived, want %d in all", got, all)
		}
	})
}
