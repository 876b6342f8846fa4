// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

const (
	overflowing   = 200      // messages for a subscriber that does not read
	overflowRoom  = 4        // messages in each queue on the way
	overflowBytes = 64 << 10 // so large that few fit into the operating system's buffers
)

// stalledSub joins a Sub that stops reading when its queue is full to a Pub with little room.
func stalledSub(t *testing.T, l link, overflow spry.Overflow) (*spry.Pub, *spry.Sub) {
	t.Helper()
	l.options.SendQueue, l.options.RecvQueue = overflowRoom, overflowRoom
	pub := spry.NewPub(&spry.PubOptions{Options: l.options, Overflow: overflow})
	sub := spry.NewSub(&spry.SubOptions{Options: l.options, Overflow: spry.Block})
	testkit.Check(t, sub.Subscribe(""))
	l.join(t, sub, pub)
	testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), "", 1))
	return pub, sub
}

func numbered(i int) []byte {
	body := make([]byte, overflowBytes)
	binary.BigEndian.PutUint64(body, uint64(i))
	return body
}

// taken receives n messages and returns their numbers, which must rise.
func taken(t *testing.T, sub *spry.Sub, n uint64) (numbers []int) {
	t.Helper()
	for range n {
		body, err := sub.Recv(testkit.Watchdog(t))
		testkit.Check(t, err)
		i := int(binary.BigEndian.Uint64(body))
		if len(numbers) > 0 && i <= numbers[len(numbers)-1] {
			t.Fatalf("message %d came after %v", i, numbers)
		}
		numbers = append(numbers, i)
	}
	if m, err := sub.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
		t.Errorf("more came than was kept: %v, %v", m, err)
	}
	return numbers
}

// What does not fit is dropped, never delays the Pub, and is counted exactly: the rest arrives, in order.
func TestPubOverflowDrops(t *testing.T) {
	for policy, name := range map[spry.Overflow]string{spry.DropOldest: "DropOldest", spry.DropNewest: "DropNewest"} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, l link) {
				pub, sub := stalledSub(t, l, policy)
				for i := range overflowing {
					testkit.Check(t, pub.Send(testkit.Watchdog(t), numbered(i)))
				}
				dropped := pub.Stats().Send.Dropped["overflow"]
				if dropped == 0 {
					t.Fatal("nothing was dropped")
				}
				got := taken(t, sub, overflowing-dropped)
				// With DropOldest the newest may go too, while all that is queued is being written.
				if policy == spry.DropNewest && got[0] != 0 {
					t.Errorf("of %d messages %d were dropped and %v kept", overflowing, dropped, got)
				}
				if s := pub.Stats().Send; s.Offered != overflowing || testkit.Sum(s.Dropped) != dropped {
					t.Errorf("%d were sent, and the books say %+v", overflowing, s)
				}
				testkit.Shut(t, pub, sub)
			})
		})
	}
}

// With Block a message waits until all have room for it, and goes to all or to none.
func TestPubOverflowBlocks(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		pub, stalled := stalledSub(t, l, spry.Block)
		l.options.RecvQueueBytes = -1
		other := spry.NewSub(&spry.SubOptions{Options: l.options})
		testkit.Check(t, other.Subscribe(""))
		l.join(t, other, pub)
		testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), "", 2))
		sent, m := 0, spry.NewMessage(0)
		for ; ; sent++ {
			_, _ = m.Write(numbered(sent))
			ctx, cancel := context.WithTimeout(testkit.Watchdog(t), 100*time.Millisecond)
			err := pub.SendMsg(ctx, m)
			cancel()
			if err == nil {
				continue
			}
			if !errors.Is(err, context.DeadlineExceeded) || m.Len() != overflowBytes {
				t.Errorf("SendMsg without room: %v, and the message has %d bytes", err, m.Len())
			}
			if err = pub.TrySendMsg(m); err == nil {
				continue // the links were only slow
			}
			if !errors.Is(err, spry.ErrWouldBlock) || m.Len() != overflowBytes {
				t.Errorf("TrySendMsg without room: %v, and the message has %d bytes", err, m.Len())
			}
			break
		}
		for _, s := range []*spry.Sub{stalled, other} {
			if got := taken(t, s, uint64(sent)); len(got) > 0 && got[len(got)-1] != sent-1 {
				t.Errorf("got %v of %d", got, sent)
			}
		}
		if s := pub.Stats().Send; s.Offered != 2*uint64(sent) || len(s.Dropped) != 0 {
			t.Errorf("%d were sent to 2, and the books say %+v", sent, s)
		}
		testkit.Check(t, pub.SendMsg(testkit.Watchdog(t), m)) // there is room again
		testkit.Shut(t, pub, stalled, other)
	})
}

// With Disconnect the message that does not fit costs the subscriber its pipe, and no more is counted as overflow.
func TestPubOverflowDisconnects(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		l.options.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour}
		pub, sub := stalledSub(t, l, spry.Disconnect)
		var pipe *spry.Pipe
		for p := range pub.Pipes() {
			pipe = p
		}
		for i := 0; pub.Stats().Send.Dropped["overflow"] == 0; i++ {
			testkit.Check(t, pub.Send(testkit.Watchdog(t), numbered(i)))
		}
		<-pipe.Done()
		if pipe.Err() == nil {
			t.Error("the pipe does not say why it is over")
		}
		if s := pipe.Stats().Send; s.Dropped["overflow"] != 1 {
			t.Errorf("the books say %+v, want an overflow of 1", s)
		}
		for want := 0; ; want++ {
			m, err := sub.TryRecvMsg()
			if err != nil {
				break
			}
			if got := binary.BigEndian.Uint64(m.Bytes()); got != uint64(want) {
				t.Fatalf("message %d came instead of %d", got, want)
			}
		}
		testkit.Shut(t, pub, sub)
	})
}
