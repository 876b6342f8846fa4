// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// Merge is fair: with all sockets busy, none is more than one message ahead of another. It ends when all are closed.
func TestMergeIsFair(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		const sources, each = 3, 200
		var receivers []spry.Receiver
		var pulls []*spry.Pull
		for i := range sources {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			for range each {
				testkit.Check(t, push.Send(testkit.Watchdog(t), []byte{byte(i)}))
			}
			testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == each })
			testkit.Shut(t, push)
			receivers, pulls = append(receivers, pull), append(pulls, pull)
		}
		var got [sources]int
		taken, apart := 0, 0
		for m, err := range spry.Merge(testkit.Watchdog(t), receivers...) {
			testkit.Check(t, err)
			got[m.Bytes()[0]]++
			if high := max(got[0], got[1], got[2]); high < each {
				apart = max(apart, high-min(got[0], got[1], got[2]))
			}
			if taken++; taken == sources*each {
				for _, p := range pulls {
					go p.Close() // ends the loop
				}
			}
		}
		if apart > 1 {
			t.Errorf("one socket was %d messages ahead of another", apart)
		}
		if got != [sources]int{each, each, each} {
			t.Errorf("the sockets gave %v messages", got)
		}
		for _, p := range pulls {
			testkit.Shut(t, p)
		}
	})
}

// Merge yields its context's end once, whatever its goroutines are at.
func TestMergeYieldsTheEndOfItsContext(t *testing.T) {
	a, b := spry.NewPull(nil), spry.NewPull(nil)
	defer a.Close()
	defer b.Close()
	for i := range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		errs := 0
		for m, err := range spry.Merge(ctx, a, b) {
			if m != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("Merge yielded %v, %v", m, err)
			}
			errs++
		}
		if errs != 1 {
			t.Fatalf("round %d: Merge yielded the context's end %d times, want once", i, errs)
		}
	}
}

// What Merge had received and did not yield is counted.
func TestMergeThatIsLeftBalances(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		var receivers []spry.Receiver
		var all []testkit.Socket
		for range 2 {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			for range 10 {
				testkit.Check(t, push.Send(testkit.Watchdog(t), []byte("x")))
			}
			testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == 10 })
			receivers, all = append(receivers, pull), append(all, push, pull)
		}
		yielded := 0
		for _, err := range spry.Merge(testkit.Watchdog(t), receivers...) {
			testkit.Check(t, err)
			if yielded++; yielded == 5 {
				break
			}
		}
		testkit.Shut(t, all...)
		var delivered, dropped uint64
		for _, s := range all {
			delivered += s.Stats().Recv.Delivered
			dropped += s.Stats().Recv.Dropped["closed"]
		}
		if delivered != uint64(yielded) || dropped != 20-uint64(yielded) {
			t.Errorf("%d of 20 were yielded; %d count as delivered and %d as closed", yielded, delivered, dropped)
		}
	})
}
