// SPDX-License-Identifier: MIT

package conformance_test

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

const (
	slowFast     = 99
	slowMessages = 2000
	slowBurst    = 100 // messages that the fast ones get before the next are sent
	slowQueue    = 200
	slowBytes    = 450_000
	slowSize     = 3000
)

// T10: one subscriber stalls, 99 are fast. The fast ones lose nothing; of the stalled one every message is accounted for.
func TestSlowSubscriberDelaysNoOthers(t *testing.T) {
	for name, overflow := range map[string]spry.Overflow{
		"DropOldest": spry.DropOldest, "DropNewest": spry.DropNewest, "Block": spry.Block, "Disconnect": spry.Disconnect,
	} {
		t.Run(name, func(t *testing.T) { testSlowConsumer(t, name, overflow) })
	}
}

func testSlowConsumer(t *testing.T, name string, overflow spry.Overflow) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pub := spry.NewPub(&spry.PubOptions{Overflow: overflow, Options: spry.Options{SendQueue: slowQueue, SendQueueBytes: slowBytes, Linger: -1}})
	defer pub.Close()
	e := testkit.ListenOn(t, pub, "ipc")
	stalled := testkit.BareTo(t, e)
	stalled.Shake(t, spry.ProtocolSub)
	testkit.Check(t, pub.WaitPipes(ctx, 1))
	var pipe *spry.Pipe
	for p := range pub.Pipes() {
		pipe = p
	}

	before := testkit.Heap()
	var fast sync.WaitGroup
	burst := make(chan struct{}, slowFast)
	for range slowFast {
		sub := spry.NewSub(nil)
		testkit.Check(t, sub.Subscribe(""))
		testkit.DialTo(t, sub, e)
		fast.Go(func() {
			defer sub.Close()
			for i := range uint64(slowMessages) {
				body, err := sub.Recv(ctx)
				if err != nil || binary.BigEndian.Uint64(body) != i {
					t.Errorf("a fast subscriber got %x, %v where message %d belongs", body, err, i)
					return
				}
				if i%slowBurst == slowBurst-1 {
					burst <- struct{}{}
				}
			}
		})
	}
	testkit.Check(t, pub.WaitPipes(ctx, slowFast+1))

	// A peer that stalls for ever would hold up a Pub with Block for ever: there it only begins to read late.
	var got []uint64
	var reading sync.WaitGroup
	read := sync.OnceFunc(func() { reading.Go(func() { got = numbersRead(t, stalled) }) })
	if overflow == spry.Block {
		late := time.AfterFunc(300*time.Millisecond, read)
		defer late.Stop()
	}
	most := int64(0)
	for i := range uint64(slowMessages) {
		body := make([]byte, slowSize)
		binary.BigEndian.PutUint64(body, i)
		testkit.Check(t, pub.Send(ctx, body))
		most = max(most, pipe.Stats().Send.QueuedBytes)
		for n := 0; i%slowBurst == slowBurst-1 && n < slowFast; n++ {
			select {
			case <-burst:
			case <-ctx.Done():
				t.Fatal("the fast subscribers do not get their messages")
			}
		}
		if i%slowBurst == slowBurst-1 { // what has arrived may still count as queued where it was written
			testkit.Eventually(t, "the queues of the fast subscribers are empty", func() bool { return queuesAreEmpty(pub, pipe) })
		}
	}
	fast.Wait()
	testkit.Eventually(t, "the heap has grown by what the stalled one may have queued", func() bool {
		return testkit.Heap() <= before+2*slowBytes+memoryChunk+memorySlack
	})

	st := pipe.Stats().Send
	if why := testkit.UnbalancedHalves(st, spry.RecvStats{}); why != "" {
		t.Error(why)
	}
	read()
	if overflow != spry.Disconnect {
		if st.Offered != slowMessages {
			t.Errorf("%d messages were offered to the stalled pipe, want %d", st.Offered, slowMessages)
		}
		testkit.Check(t, pub.Flush(ctx))
	}
	testkit.Check(t, pub.Close())
	reading.Wait()
	last := pipe.Stats().Send
	if uint64(len(got)) != last.Sent || last.Offered != last.Sent+testkit.Sum(last.Dropped) {
		t.Errorf("the stalled one got %d messages; sent %d of %d, dropped %v", len(got), last.Sent, last.Offered, last.Dropped)
	}
	checkSurvivors(t, overflow, got, last)
	if most > slowBytes {
		t.Errorf("%d bytes were queued to the stalled one, bound %d", most, slowBytes)
	}
	t.Logf("T10 %s: 99 fast subscribers lost 0 of %d; the stalled one: offered %d = sent %d + dropped %v, at most %d of %d bytes queued",
		name, slowMessages, last.Offered, last.Sent, last.Dropped, most, slowBytes)
}

// queuesAreEmpty reports whether nothing is queued for any peer but that of one pipe.
func queuesAreEmpty(pub *spry.Pub, but *spry.Pipe) bool {
	for p := range pub.Pipes() {
		if p != but && p.Stats().Send.Queued > 0 {
			return false
		}
	}
	return true
}

// T10: a subscriber does not receive: what waits for it takes memory by its limit, on its own side too.
func TestPausedSubscriberKeepsToItsLimit(t *testing.T) {
	for name, overflow := range map[string]spry.Overflow{"DropOldest": spry.DropOldest, "DropNewest": spry.DropNewest, "Block": spry.Block} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			pub := spry.NewPub(&spry.PubOptions{Options: spry.Options{SendQueueBytes: slowBytes, Linger: -1}})
			sub := spry.NewSub(&spry.SubOptions{Overflow: overflow, Options: spry.Options{RecvQueueBytes: slowBytes}})
			testkit.CloseAll(t, pub, sub)
			testkit.Check(t, sub.Subscribe(""))
			testkit.DialTo(t, sub, testkit.ListenOn(t, pub, "tcp"))
			testkit.Check(t, pub.WaitPipes(ctx, 1))
			before := testkit.Heap()
			body := make([]byte, slowSize)
			for range 4 * slowMessages {
				testkit.Check(t, pub.Send(ctx, body))
			}
			testkit.Eventually(t, "the receiver's queue is full", func() bool { return sub.Stats().Recv.QueuedBytes > slowBytes*7/8 })
			testkit.Eventually(t, "the heap has grown by what two queues may have", func() bool {
				return testkit.Heap() <= before+2*(2*slowBytes+memoryChunk)+memorySlack
			})
		})
	}
}

// checkSurvivors looks at what the stalled subscriber finally received.
func checkSurvivors(t *testing.T, overflow spry.Overflow, got []uint64, st spry.SendStats) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Fatalf("message %d came after %d", got[i], got[i-1])
		}
	}
	switch dropped := st.Dropped["overflow"]; overflow {
	case spry.DropOldest:
		if got[len(got)-1] != slowMessages-1 || dropped == 0 {
			t.Errorf("the last message that came is %d, %d dropped; the newest must survive", got[len(got)-1], dropped)
		}
	case spry.DropNewest:
		if got[len(got)-1] != uint64(len(got)-1) || dropped == 0 {
			t.Errorf("%d messages came, the last is %d, %d dropped; the oldest must survive", len(got), got[len(got)-1], dropped)
		}
	case spry.Block:
		if len(got) != slowMessages || dropped != 0 {
			t.Errorf("%d messages of %d came, %d dropped; nothing may be lost", len(got), slowMessages, dropped)
		}
	case spry.Disconnect:
		if got[len(got)-1] != uint64(len(got)-1) || dropped != 1 {
			t.Errorf("%d messages came, the last is %d, %d dropped; the one that did not fit ends the pipe", len(got), got[len(got)-1], dropped)
		}
	}
}

// numbersRead reads whole messages until the connection ends, and returns their numbers.
func numbersRead(t testing.TB, b *testkit.Bare) (numbers []uint64) {
	_ = b.SetReadDeadline(time.Now().Add(testkit.Patience))
	f := make([]byte, len(testkit.Frame(b.Typed, make([]byte, slowSize))))
	for {
		if _, err := io.ReadFull(b, f); err != nil {
			return numbers
		}
		numbers = append(numbers, binary.BigEndian.Uint64(f[len(f)-slowSize:]))
	}
}
