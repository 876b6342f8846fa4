// SPDX-License-Identifier: MIT

package sp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// foreignPairs names a C peer of each library, as it is in the table.
func foreignPairs(suffix string) map[string]string {
	return map[string]string{kit.LibNNG: "nng_" + suffix, kit.LibNanomsg: "nn_" + suffix}
}

// TestSubscriberWithManyTopics publishes to subscribers with half of the topics, which must get these messages and no
// other ones.
func TestSubscriberWithManyTopics(t *testing.T) {
	const topics, messages = 200, 1000
	for name, program := range foreignPairs("recv") {
		t.Run(program, func(t *testing.T) {
			kit.EachWay(t, name, "sub with 100 topics – pub", func(t *testing.T, a kit.Address) {
				args := []string{"sub", fmt.Sprint(messages / 2)}
				for topic := 0; topic < topics; topic += 2 {
					args = append(args, fmt.Sprintf("topic %03d:", topic))
				}
				pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
				p := kit.MeetC(t, a, pub, program, args...)
				kit.WaitPipes(t, pub, 1)
				ctx, wanted := kit.Watched(t), kit.NewTally()
				for i := range messages {
					b := fmt.Appendf(nil, "topic %03d: message %d", i%topics, i)
					testkit.Check(t, pub.Send(ctx, b))
					if i%topics%2 == 0 {
						wanted.Add(b)
					}
				}
				kit.ExpectTally(t, p, wanted)
			})
		})
	}
}

// TestSubscriptionsToForeignPublisher filters what a foreign publisher sends by many binary topics.
func TestSubscriptionsToForeignPublisher(t *testing.T) {
	const messages = 500
	for name, program := range foreignPairs("send") {
		t.Run(program, func(t *testing.T) {
			kit.EachWay(t, name, "pub – sub with 100 topics", func(t *testing.T, a kit.Address) {
				sub := spry.NewSub(&spry.SubOptions{Options: kit.Options})
				wanted := map[uint32]bool{}
				for i := uint32(0); i < messages; i += 5 {
					wanted[i] = true
					testkit.Check(t, sub.Subscribe(string(binary.BigEndian.AppendUint32(nil, i))))
				}
				kit.MeetC(t, a, sub, program, "pub", "1", fmt.Sprint(messages), "40")
				ctx := kit.Watched(t)
				for seen := map[uint32]bool{}; len(seen) < len(wanted); {
					b := kit.Must[[]byte](t)(sub.Recv(ctx))
					i := binary.BigEndian.Uint32(b)
					if !wanted[i] {
						t.Fatalf("message %d came, which was not subscribed to", i)
					}
					seen[i] = true
					kit.Same(t, "Spry received", b, kit.Numbered(40, int(i)))
				}
			})
		})
	}
}

// TestPushToManyPulls shares messages out to eight foreign pulls in turn.
func TestPushToManyPulls(t *testing.T) {
	const pulls, each = 8, 50
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			a := kit.NewAddress(t, transport, true)
			kit.Results.Track(t, kit.Row(kit.LibNNG+", "+kit.LibNanomsg, "8 pull – push", transport, "it dials"), kit.Library)
			t.Parallel()
			push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
			kit.Attach(t, push, a)
			var processes []*peer.Process
			for i := range pulls {
				processes = append(processes, kit.StartC(t, []string{"nng_recv", "nn_recv"}[i%2], a.How(), a.URL, "pull", fmt.Sprint(each)))
			}
			kit.WaitPipes(t, push, pulls)
			kit.SendNumbered(t, push, pulls*each, 1000)
			for _, p := range processes {
				p.WaitLine(fmt.Sprintf("count %d bytes %d ", each, each*1000))
			}
		})
	}
}

// TestForeignPushToManyPulls lets a foreign push share messages out to four of Spry's pulls: each comes once.
func TestForeignPushToManyPulls(t *testing.T) {
	const pulls, messages = 4, 400
	for name, program := range foreignPairs("send") {
		t.Run(program, func(t *testing.T) {
			a := kit.NewAddress(t, "tcp", false)
			kit.Results.Track(t, kit.Row(name, "push – 4 pull", a.Transport, "it listens"), kit.Library)
			t.Parallel()
			p := kit.StartC(t, program, a.How(), a.URL, "push", fmt.Sprint(pulls), fmt.Sprint(messages), "1000")
			ctx, enough := context.WithCancel(kit.Watched(t))
			defer enough()
			var (
				mu   sync.Mutex
				seen = map[uint32]bool{}
				wg   sync.WaitGroup
			)
			for range pulls {
				pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
				kit.Attach(t, pull, a)
				wg.Go(func() {
					for m, err := range pull.Messages(ctx) {
						if err != nil {
							return // enough messages came, or the watchdog barked
						}
						i := binary.BigEndian.Uint32(m.Bytes())
						mu.Lock()
						if seen[i] {
							t.Errorf("message %d came twice", i)
						}
						if seen[i] = true; len(seen) == messages {
							enough()
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if len(seen) != messages {
				t.Errorf("%d of %d messages came", len(seen), messages)
			}
			p.WaitLine("sent")
		})
	}
}
