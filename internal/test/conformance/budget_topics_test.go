// SPDX-License-Identifier: MIT

package conformance_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Peers subscribe to as much as they can: a budget bounds what that costs, those who have most are shed, and a peer with
// one topic is sent what it wants.
func TestBudgetBoundsTopics(t *testing.T) {
	const reserveAhead = 64 << 10 // what a connection's share of a budget grows by at a time
	const limit, peers, topics = 3 << 19, 4, 9_000
	for _, p := range publishers(t) {
		for name, listening := range map[string]bool{"listening": true, "dialing": false} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				leak.Check(t)
				budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
				unused(t, budget)
				s, send := p.open(spry.Options{Budget: budget, Linger: -1, Heartbeat: -1})
				defer s.Close()
				good := attached(t, s, p.peer, listening)
				good.Say(t, []byte(testkit.Command(p.ask, "good")))
				testkit.Check(t, p.wait(s, "good"))
				before := testkit.Heap()
				var all sync.WaitGroup
				for i := range peers {
					greedy := attached(t, s, p.peer, listening)
					all.Go(func() {
						for n := 0; n < topics; n += 100 {
							var says strings.Builder
							for k := range 100 {
								says.WriteString(testkit.Command(p.ask, fmt.Sprintf("topic %d of %d", n+k, i)))
							}
							if _, err := greedy.Write([]byte(says.String())); err != nil {
								return // it was shed
							}
						}
					})
				}
				all.Wait()
				if most := budget.Stats().PeakBytes; most > limit*11/10+peers*reserveAhead {
					t.Errorf("%d KiB were in use and the limit is %d KiB", most>>10, limit>>10)
				}
				testkit.Eventually(t, "a peer is shed", func() bool { return budget.Stats().Shed > 0 && s.Stats().Rejected["budget"] > 0 })
				grown := int64(0)
				testkit.Eventually(t, "those who were shed take no memory", func() bool {
					grown = int64(testkit.Heap()) - int64(before)
					return grown <= 2*limit+memorySlack
				})
				discard(t, good)
				sent := s.Stats().Send.Sent
				testkit.Check(t, send("good", []byte("good news")))
				testkit.Eventually(t, "the peer with one topic is served", func() bool { return s.Stats().Send.Sent > sent })
				t.Logf("%d of %d peers shed, peak %d KiB, heap %+d KiB", budget.Stats().Shed, peers, budget.Stats().PeakBytes>>10, grown>>10)
			})
		}
	}
}

// A publisher does not read while a Sub goes on changing its topics: what waits to be told counts, and the publisher is shed.
func TestBudgetBoundsUnsentSubscriptions(t *testing.T) {
	const limit = 1 << 20
	for name, listening := range map[string]bool{"listening": true, "dialing": false} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
			unused(t, budget)
			s := spry.NewSub(&spry.SubOptions{Options: spry.Options{Budget: budget, Heartbeat: -1}})
			defer s.Close()
			attached(t, s, "PUB", listening)
			topic, queued := strings.Repeat("t", 10_000), 0
			for ; budget.Stats().Shed == 0; queued += 2 * len(topic) {
				if queued > 32*limit {
					t.Fatalf("%d KiB wait for a peer that does not read, and the budget is %d KiB", queued>>10, limit>>10)
				}
				testkit.Check(t, s.Subscribe(topic))
				testkit.Check(t, s.Unsubscribe(topic))
			}
			testkit.Eventually(t, "the peer is shed", func() bool { return s.Stats().Rejected["budget"] == 1 })
		})
	}
}
