// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T40 where the socket under test is the one that dials: many listeners, each entitled to a queue of 1 MiB, send to a socket that
// does not receive.
func TestBudgetBoundsASocketThatDials(t *testing.T) {
	peers, limit := testkit.Figure(60, 300), int64(testkit.Figure(32<<20, 128<<20))
	for _, scheme := range []string{"tcp", "ipc", "zmtp+tcp", "zmtp+ipc"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
			unused(t, budget)
			pull, push := spry.NewPull(&spry.PullOptions{Options: spry.Options{Budget: budget, RecvQueueBytes: 1 << 20}}), spry.NewPush(nil)
			testkit.CloseAll(t, push, pull)
			testkit.DialTo(t, pull, testkit.ListenOn(t, push, scheme))
			testkit.Check(t, push.Send(ctx, []byte("little")))
			testkit.Eventually(t, "the little message is queued", func() bool { return pull.Stats().Recv.Queued == 1 })
			before := testkit.Heap()
			hello, body := testkit.Header(spry.ProtocolPush), testkit.Frame(scheme == "ipc", make([]byte, 1000))
			if strings.HasPrefix(scheme, "zmtp") {
				hello, body = []byte(testkit.Greet+testkit.ReadyAs("PUSH")), []byte(testkit.LongFrame(0, 1000, string(make([]byte, 1000))))
			}
			block := bytes.Repeat(body, 64)
			var all sync.WaitGroup
			all.Add(peers)
			url := hostileListener(t, scheme, func(c net.Conn) {
				defer all.Done()
				if _, err := c.Write(hello); err == nil {
					flood(c, block, budget)
				}
			})
			for range peers {
				_, err := pull.DialWith(ctx, &spry.DialConfig{URL: url, GiveUp: func(error) bool { return true }})
				testkit.Check(t, err)
			}
			all.Wait()
			withinBudget(t, budget)
			testkit.Eventually(t, "the heap is within the budget", func() bool { return testkit.Heap() < before+uint64(2*limit)+memoryChunk*uint64(peers) })
			testkit.Eventually(t, "those that were shed are counted, and what they sent", func() bool {
				st, shed := pull.Stats(), budget.Stats().Shed
				return shed > 0 && st.Rejected["budget"] == shed && st.Recv.Dropped["budget"] > 0
			})
			st := pull.Stats()
			if testkit.Sum(st.Recv.Dropped) != st.Recv.Dropped["budget"] {
				t.Errorf("dropped are %v", st.Recv.Dropped)
			}
			if why := testkit.Unbalanced(st); why != "" {
				t.Error(why)
			}
			receiveLittle(ctx, t, pull, push)
		})
	}
}

// receiveLittle receives until the message of the peer with little comes, which was not shed.
func receiveLittle(ctx context.Context, t *testing.T, pull *spry.Pull, push *spry.Push) {
	t.Helper()
	for {
		m, err := pull.Recv(ctx)
		testkit.Check(t, err)
		if string(m) == "little" {
			break
		}
	}
	for _, p := range push.Stats().Pipes {
		if !p.Live {
			t.Error("the peer with little was shed")
		}
	}
}

// T40 within the process: what senders and a receiver have is bounded, whether they share the budget or only the receiver has it,
// and every message is received or counted as shed.
func TestBudgetBoundsInproc(t *testing.T) {
	const peers, each, size, limit = 60, 500, 4 << 10, 8 << 20
	for name, shared := range map[string]bool{"shared": true, "the receiver's": false} {
		for _, receiverDials := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", which dials", false: ", which listens"}[receiverDials], func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
				unused(t, budget)
				o := spry.Options{Network: spry.NewNetwork(), Linger: -1}
				ro := o
				ro.Budget, ro.RecvQueueBytes = budget, 1<<20
				if shared {
					o.Budget = budget
				}
				pull := spry.NewPull(&spry.PullOptions{Options: ro})
				testkit.CloseAll(t, pull)
				var pushes []*spry.Push
				for range peers {
					push := spry.NewPush(&spry.PushOptions{Options: o})
					testkit.CloseAll(t, push)
					pushes = append(pushes, push)
					if receiverDials {
						testkit.DialTo(t, pull, testkit.ListenOn(t, push, "inproc"))
					} else {
						testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
					}
				}
				var sending sync.WaitGroup
				for _, push := range pushes {
					sending.Go(func() {
						for range each {
							if push.Send(ctx, make([]byte, size)) != nil {
								return
							}
						}
					})
				}
				if shared {
					received := make(chan struct{})
					rctx, stop := context.WithCancel(ctx)
					go func() {
						defer close(received)
						for {
							if _, err := pull.Recv(rctx); err != nil {
								return
							}
						}
					}()
					sending.Wait()
					testkit.Eventually(t, "all is received, or counted as shed", func() bool {
						st := pull.Stats().Recv
						return st.Delivered+st.Dropped["budget"] == peers*each
					})
					stop()
					<-received
				} else {
					testkit.Eventually(t, "somebody is shed", func() bool { return pull.Stats().Recv.Dropped["budget"] > 0 })
				}
				// What each sender may hand over before it is asked whether the budget is exceeded, and again while pipes are being shed.
				const atOnce = 2 * 64 << 10
				testkit.Eventually(t, "the budget holds", func() bool { return budget.Stats().Bytes <= limit*11/10 })
				if most := budget.Stats().PeakBytes; most > limit*11/10+peers*atOnce {
					t.Errorf("%d KiB were in use and the limit is %d KiB", most>>10, limit>>10)
				}
				st := pull.Stats()
				if testkit.Sum(st.Recv.Dropped) != st.Recv.Dropped["budget"] {
					t.Errorf("dropped are %v", st.Recv.Dropped)
				}
				if why := testkit.Unbalanced(st); why != "" {
					t.Error(why)
				}
				t.Logf("peak %d of %d KiB, %d shed", budget.Stats().PeakBytes>>10, limit>>10, budget.Stats().Shed)
				testkit.Check(t, pull.Close())
				for _, push := range pushes {
					testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
				}
				sending.Wait()
			})
		}
	}
}
